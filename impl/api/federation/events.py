"""api-specs/server-server/events.yaml"""

from typing import Any

from generated.federation.events import (
    GetEventByTimestampQuery,
    GetRoomStateIdsQuery,
    GetRoomStateQuery,
)
from impl.app import App
from impl.services.federation_serving import history, state


def get_room_state(app: App, origin: str, room_id: str, query: GetRoomStateQuery) -> dict[str, Any]:
    return state.state(app, origin, room_id, query.event_id)


def get_room_state_ids(
    app: App, origin: str, room_id: str, query: GetRoomStateIdsQuery
) -> dict[str, Any]:
    return state.state_ids(app, origin, room_id, query.event_id)


def get_event(app: App, origin: str, event_id: str) -> dict[str, Any]:
    return history.event(app, origin, event_id)


def get_event_by_timestamp(
    app: App, origin: str, room_id: str, query: GetEventByTimestampQuery
) -> dict[str, Any]:
    return history.nearest(app, origin, room_id, query.ts, is_forward=query.dir == "f")
