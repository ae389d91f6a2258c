"""api-specs/client-server/room_state.yaml"""

from generated.client.room_state import SetRoomStateWithKeyResponse
from impl.app import App
from impl.requester import Requester
from impl.services import room_state


def set_room_state_with_key(
    app: App, requester: Requester, room_id: str, event_type: str, state_key: str, body: dict
) -> SetRoomStateWithKeyResponse:
    return {"event_id": room_state.put(app, requester, room_id, event_type, state_key, body)}
