"""api-specs/client-server/leaving.yaml"""

from generated.client.leaving import ForgetRoomResponse, LeaveRoomBody, LeaveRoomResponse
from impl.app import App
from impl.requester import Requester
from impl.services import membership


def leave_room(
    app: App, requester: Requester, room_id: str, body: LeaveRoomBody
) -> LeaveRoomResponse:
    membership.leave(app, requester, room_id, body.reason)
    return {}


def forget_room(app: App, requester: Requester, room_id: str) -> ForgetRoomResponse:
    membership.forget(app, requester, room_id)
    return {}
