"""api-specs/client-server/kicking.yaml"""

from generated.client.kicking import KickBody, KickResponse
from impl.app import App
from impl.requester import Requester
from impl.services import membership


def kick(app: App, requester: Requester, room_id: str, body: KickBody) -> KickResponse:
    membership.kick(app, requester, room_id, body.user_id, body.reason)
    return {}
