"""api-specs/server-server/backfill.yaml"""

from typing import Any

from generated.federation.backfill import BackfillRoomQuery, GetMissingPreviousEventsBody
from impl.app import App
from impl.services.federation_serving import history
from impl.services.federation_serving.history import Gap


def backfill_room(app: App, origin: str, room_id: str, query: BackfillRoomQuery) -> dict[str, Any]:
    return history.backfill(app, origin, room_id, query.v, query.limit)


def get_missing_previous_events(
    app: App, origin: str, room_id: str, body: GetMissingPreviousEventsBody
) -> dict[str, Any]:
    gap = Gap(body.latest_events, body.earliest_events, body.limit, body.min_depth)
    return history.missing(app, origin, room_id, gap)
