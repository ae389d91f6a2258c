"""api-specs/client-server/joining.yaml"""

from generated.client.joining import (
    JoinRoomBody,
    JoinRoomByIdBody,
    JoinRoomByIdResponse,
    JoinRoomQuery,
    JoinRoomResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import joining, membership


def join_room_by_id(
    app: App, requester: Requester, room_id: str, body: JoinRoomByIdBody
) -> JoinRoomByIdResponse:
    joining.join(app, requester, room_id, body.reason, body.third_party_signed)
    return {"room_id": room_id}


def join_room(
    app: App,
    requester: Requester,
    room_id_or_alias: str,
    query: JoinRoomQuery,
    body: JoinRoomBody,
) -> JoinRoomResponse:
    # Older clients have another name for it.
    via = query.via or query.server_name or ()
    joined = membership.join(
        app, requester, room_id_or_alias, body.reason, body.third_party_signed, via
    )
    return {"room_id": joined}
