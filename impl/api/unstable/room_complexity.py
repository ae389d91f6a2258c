"""api-specs/unstable/room_complexity.yaml"""

from generated.unstable.room_complexity import GetRoomComplexityResponse
from impl.app import App
from impl.services import room_complexity


def get_room_complexity(app: App, origin: str, room_id: str) -> GetRoomComplexityResponse:
    return room_complexity.tell(app, origin, room_id)  # type: ignore[return-value]
