"""api-specs/client-server/relations.yaml"""

from typing import Any

from generated.client.relations import (
    GetRelatingEventsQuery,
    GetRelatingEventsWithRelTypeAndEventTypeQuery,
    GetRelatingEventsWithRelTypeQuery,
)
from impl.app import App
from impl.requester import Requester
from impl.services import relations
from impl.services.relations import Asked

Query = (
    GetRelatingEventsQuery
    | GetRelatingEventsWithRelTypeQuery
    | GetRelatingEventsWithRelTypeAndEventTypeQuery
)


def get_relating_events(
    app: App, requester: Requester, room_id: str, event_id: str, query: GetRelatingEventsQuery
) -> dict[str, Any]:
    return relations.relating_events(app, requester, room_id, event_id, _asked(query, None, None))


def get_relating_events_with_rel_type(
    app: App,
    requester: Requester,
    room_id: str,
    event_id: str,
    rel_type: str,
    query: GetRelatingEventsWithRelTypeQuery,
) -> dict[str, Any]:
    asked = _asked(query, rel_type, None)
    return relations.relating_events(app, requester, room_id, event_id, asked)


def get_relating_events_with_rel_type_and_event_type(
    app: App,
    requester: Requester,
    room_id: str,
    event_id: str,
    rel_type: str,
    event_type: str,
    query: GetRelatingEventsWithRelTypeAndEventTypeQuery,
) -> dict[str, Any]:
    asked = _asked(query, rel_type, event_type)
    return relations.relating_events(app, requester, room_id, event_id, asked)


def _asked(query: Query, rel_type: str | None, event_type: str | None) -> Asked:
    return Asked(
        rel_type=rel_type,
        event_type=event_type,
        is_back=query.dir != "f",
        from_token=query.from_,
        to_token=query.to,
        limit=query.limit,
        is_recursive=query.recurse,
    )
