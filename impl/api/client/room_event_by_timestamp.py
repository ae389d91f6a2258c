"""api-specs/client-server/room_event_by_timestamp.yaml"""

from typing import Any

from generated.client.room_event_by_timestamp import GetEventByTimestampQuery
from impl.app import App
from impl.requester import Requester
from impl.services import jump_to_date


def get_event_by_timestamp(
    app: App, requester: Requester, room_id: str, query: GetEventByTimestampQuery
) -> dict[str, Any]:
    return jump_to_date.nearest(app, requester, room_id, query.ts, is_forward=query.dir == "f")
