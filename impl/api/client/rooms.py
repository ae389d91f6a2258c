"""api-specs/client-server/rooms.yaml"""

from generated.client.rooms import (
    GetRoomStateResponse,
    GetRoomStateWithKeyQuery,
    GetRoomStateWithKeyResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import room_state


def get_room_state_with_key(
    app: App,
    requester: Requester,
    room_id: str,
    event_type: str,
    state_key: str,
    query: GetRoomStateWithKeyQuery,
) -> GetRoomStateWithKeyResponse:
    if query.format == "event":
        return room_state.get_event(app, requester, room_id, event_type, state_key)
    return room_state.get_content(app, requester, room_id, event_type, state_key)


def get_room_state(app: App, requester: Requester, room_id: str) -> GetRoomStateResponse:
    return room_state.get_all(app, requester, room_id)
