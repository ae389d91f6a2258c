"""api-specs/client-server/search.yaml"""

from generated.client.search import (
    SearchBody,
    SearchBodySearchCategoriesRoomEvents,
    SearchQuery,
    SearchResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services.search import results
from impl.services.search import search as searching
from impl.services.search.results import Shown
from impl.services.search.search import Criteria


def search(app: App, requester: Requester, query: SearchQuery, body: SearchBody) -> SearchResponse:
    asked = body.search_categories.room_events
    if asked is None:
        return {"search_categories": {}}
    criteria = Criteria(
        search_term=asked.search_term,
        keys=asked.keys,
        filter=asked.filter or {},
        order_by=asked.order_by or "rank",
        group_by=searching.read_groupings(
            [one.key for one in (asked.groupings and asked.groupings.group_by) or ()]
        ),
        shown=_shown(asked),
        next_batch=query.next_batch,
    )
    found = searching.room_events(app, requester, criteria)
    return {"search_categories": {"room_events": found}}  # type: ignore[typeddict-item]


def _shown(asked: SearchBodySearchCategoriesRoomEvents) -> Shown:
    context = asked.event_context
    if context is None:
        return Shown(has_state=bool(asked.include_state))
    limits = results.read_limit(context.before_limit), results.read_limit(context.after_limit)
    return Shown(limits, bool(context.include_profile), bool(asked.include_state))
