"""api-specs/client-server/old_sync.yaml"""

from typing import Any

from generated.client.old_sync import GetEventsQuery, InitialSyncQuery
from impl.app import App
from impl.requester import Requester
from impl.services import event_stream
from impl.services import initial_sync as snapshots


def get_events(app: App, requester: Requester, query: GetEventsQuery) -> dict[str, Any]:
    if query.room_id is not None:
        return event_stream.peek(app, requester, query.room_id, query.from_, query.timeout)
    return event_stream.listen(app, requester, query.from_, query.timeout)


def initial_sync(app: App, requester: Requester, query: InitialSyncQuery) -> dict[str, Any]:
    return snapshots.of_user(app, requester, query.limit, bool(query.archived))


def get_one_event(app: App, requester: Requester, event_id: str) -> Any:
    return event_stream.get_event(app, requester, event_id)
