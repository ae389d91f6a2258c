"""api-specs/client-server/search.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class SearchBody(Struct, kw_only=True):
    search_categories: SearchBodySearchCategories


class SearchBodySearchCategories(Struct, kw_only=True):
    room_events: SearchBodySearchCategoriesRoomEvents | None = None


class SearchBodySearchCategoriesRoomEvents(Struct, kw_only=True):
    search_term: str
    keys: list[Literal['content.body', 'content.name', 'content.topic']] | None = None
    filter: dict[str, Any] | None = None
    order_by: Literal['recent', 'rank'] | None = None
    event_context: SearchBodySearchCategoriesRoomEventsEventContext | None = None
    include_state: bool | None = None
    groupings: SearchBodySearchCategoriesRoomEventsGroupings | None = None


class SearchBodySearchCategoriesRoomEventsEventContext(Struct, kw_only=True):
    before_limit: int | None = None
    after_limit: int | None = None
    include_profile: bool | None = None


class SearchBodySearchCategoriesRoomEventsGroupings(Struct, kw_only=True):
    group_by: list[SearchBodySearchCategoriesRoomEventsGroupingsGroupByItem] | None = None


class SearchBodySearchCategoriesRoomEventsGroupingsGroupByItem(Struct, kw_only=True):
    key: Literal['room_id', 'sender'] | None = None


class SearchQuery(Struct, kw_only=True):
    next_batch: str | None = None


class SearchResponse(TypedDict):
    search_categories: SearchResponseSearchCategories


class SearchResponseSearchCategories(TypedDict):
    room_events: NotRequired[SearchResponseSearchCategoriesRoomEvents]


class SearchResponseSearchCategoriesRoomEvents(TypedDict):
    count: NotRequired[int]
    highlights: NotRequired[list[str]]
    results: NotRequired[list[SearchResponseSearchCategoriesRoomEventsResultsItem]]
    state: NotRequired[dict[str, list[dict[str, Any]]]]
    groups: NotRequired[dict[str, dict[str, SearchResponseSearchCategoriesRoomEventsGroupsValueValue]]]
    next_batch: NotRequired[str]


class SearchResponseSearchCategoriesRoomEventsGroupsValueValue(TypedDict):
    next_batch: NotRequired[str]
    order: NotRequired[int]
    results: NotRequired[list[str]]


class SearchResponseSearchCategoriesRoomEventsResultsItem(TypedDict):
    rank: NotRequired[float]
    result: NotRequired[dict[str, Any]]
    context: NotRequired[SearchResponseSearchCategoriesRoomEventsResultsItemContext]


class SearchResponseSearchCategoriesRoomEventsResultsItemContext(TypedDict):
    start: NotRequired[str]
    end: NotRequired[str]
    profile_info: NotRequired[dict[str, SearchResponseSearchCategoriesRoomEventsResultsItemContextProfileInfoValue]]
    events_before: NotRequired[list[dict[str, Any]]]
    events_after: NotRequired[list[dict[str, Any]]]


class SearchResponseSearchCategoriesRoomEventsResultsItemContextProfileInfoValue(TypedDict):
    displayname: NotRequired[str]
    avatar_url: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def search(
        self,
        app: Any,
        requester: Any,
        query: SearchQuery,
        body: SearchBody,
    ) -> SearchResponse | dict[str, Any]: ...


def search(
    app: Any,
    requester: Any,
    query: SearchQuery,
    body: SearchBody,
) -> SearchResponse | dict[str, Any]:
    """POST /_matrix/client/v3/search"""
    raise Unrecognized("search")
