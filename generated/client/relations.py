"""api-specs/client-server/relations.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetRelatingEventsQuery(Struct, kw_only=True):
    from_: str | None = field(name='from', default=None)
    to: str | None = None
    limit: int | None = None
    dir: Literal['b', 'f'] | None = None
    recurse: bool | None = None


class GetRelatingEventsWithRelTypeAndEventTypeQuery(Struct, kw_only=True):
    from_: str | None = field(name='from', default=None)
    to: str | None = None
    limit: int | None = None
    dir: Literal['b', 'f'] | None = None
    recurse: bool | None = None


class GetRelatingEventsWithRelTypeQuery(Struct, kw_only=True):
    from_: str | None = field(name='from', default=None)
    to: str | None = None
    limit: int | None = None
    dir: Literal['b', 'f'] | None = None
    recurse: bool | None = None


class GetRelatingEventsResponse(TypedDict):
    next_batch: NotRequired[str]
    prev_batch: NotRequired[str]
    recursion_depth: NotRequired[int]
    chunk: list[dict[str, Any]]


class GetRelatingEventsWithRelTypeAndEventTypeResponse(TypedDict):
    next_batch: NotRequired[str]
    prev_batch: NotRequired[str]
    recursion_depth: NotRequired[int]
    chunk: list[dict[str, Any]]


class GetRelatingEventsWithRelTypeResponse(TypedDict):
    next_batch: NotRequired[str]
    prev_batch: NotRequired[str]
    recursion_depth: NotRequired[int]
    chunk: list[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_relating_events(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_id: str,
        query: GetRelatingEventsQuery,
    ) -> GetRelatingEventsResponse | dict[str, Any]: ...

    def get_relating_events_with_rel_type(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_id: str,
        rel_type: str,
        query: GetRelatingEventsWithRelTypeQuery,
    ) -> GetRelatingEventsWithRelTypeResponse | dict[str, Any]: ...

    def get_relating_events_with_rel_type_and_event_type(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_id: str,
        rel_type: str,
        event_type: str,
        query: GetRelatingEventsWithRelTypeAndEventTypeQuery,
    ) -> GetRelatingEventsWithRelTypeAndEventTypeResponse | dict[str, Any]: ...


def get_relating_events(
    app: Any,
    requester: Any,
    room_id: str,
    event_id: str,
    query: GetRelatingEventsQuery,
) -> GetRelatingEventsResponse | dict[str, Any]:
    """GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}"""
    raise Unrecognized("getRelatingEvents")


def get_relating_events_with_rel_type(
    app: Any,
    requester: Any,
    room_id: str,
    event_id: str,
    rel_type: str,
    query: GetRelatingEventsWithRelTypeQuery,
) -> GetRelatingEventsWithRelTypeResponse | dict[str, Any]:
    """GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}"""
    raise Unrecognized("getRelatingEventsWithRelType")


def get_relating_events_with_rel_type_and_event_type(
    app: Any,
    requester: Any,
    room_id: str,
    event_id: str,
    rel_type: str,
    event_type: str,
    query: GetRelatingEventsWithRelTypeAndEventTypeQuery,
) -> GetRelatingEventsWithRelTypeAndEventTypeResponse | dict[str, Any]:
    """GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}"""
    raise Unrecognized("getRelatingEventsWithRelTypeAndEventType")
