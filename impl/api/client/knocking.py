"""api-specs/client-server/knocking.yaml"""

from generated.client.knocking import KnockRoomBody, KnockRoomQuery, KnockRoomResponse
from impl.app import App
from impl.requester import Requester
from impl.services import membership


def knock_room(
    app: App,
    requester: Requester,
    room_id_or_alias: str,
    query: KnockRoomQuery,
    body: KnockRoomBody,
) -> KnockRoomResponse:
    via = query.via or query.server_name or ()
    return {"room_id": membership.knock(app, requester, room_id_or_alias, body.reason, via)}
