"""api-specs/client-server/banning.yaml"""

from generated.client.banning import BanBody, BanResponse, UnbanBody, UnbanResponse
from impl.app import App
from impl.requester import Requester
from impl.services import membership


def ban(app: App, requester: Requester, room_id: str, body: BanBody) -> BanResponse:
    membership.ban(app, requester, room_id, body.user_id, body.reason)
    return {}


def unban(app: App, requester: Requester, room_id: str, body: UnbanBody) -> UnbanResponse:
    membership.unban(app, requester, room_id, body.user_id, body.reason)
    return {}
