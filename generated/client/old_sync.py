"""api-specs/client-server/old_sync.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetEventsQuery(Struct, kw_only=True):
    from_: str | None = field(name='from', default=None)
    timeout: int | None = None
    room_id: str | None = None


class InitialSyncQuery(Struct, kw_only=True):
    limit: int | None = None
    archived: bool | None = None


class GetEventsResponse(TypedDict):
    start: NotRequired[str]
    end: NotRequired[str]
    chunk: NotRequired[list[dict[str, Any]]]


class InitialSyncResponse(TypedDict):
    end: str
    presence: list[dict[str, Any]]
    rooms: list[InitialSyncResponseRoomsItem]
    account_data: NotRequired[list[dict[str, Any]]]


class InitialSyncResponseRoomsItem(TypedDict):
    room_id: str
    membership: Literal['invite', 'join', 'leave', 'ban']
    invite: NotRequired[dict[str, Any]]
    messages: NotRequired[InitialSyncResponseRoomsItemMessages]
    state: NotRequired[list[dict[str, Any]]]
    visibility: NotRequired[Literal['private', 'public']]
    account_data: NotRequired[list[dict[str, Any]]]


class InitialSyncResponseRoomsItemMessages(TypedDict):
    start: NotRequired[str]
    end: str
    chunk: list[dict[str, Any]]


GetOneEventResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_events(
        self,
        app: Any,
        requester: Any,
        query: GetEventsQuery,
    ) -> GetEventsResponse | dict[str, Any]: ...

    def initial_sync(
        self,
        app: Any,
        requester: Any,
        query: InitialSyncQuery,
    ) -> InitialSyncResponse | dict[str, Any]: ...

    def get_one_event(
        self,
        app: Any,
        requester: Any,
        event_id: str,
    ) -> GetOneEventResponse | dict[str, Any]: ...


def get_events(
    app: Any,
    requester: Any,
    query: GetEventsQuery,
) -> GetEventsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/events"""
    raise Unrecognized("getEvents")


def initial_sync(
    app: Any,
    requester: Any,
    query: InitialSyncQuery,
) -> InitialSyncResponse | dict[str, Any]:
    """GET /_matrix/client/v3/initialSync"""
    raise Unrecognized("initialSync")


def get_one_event(
    app: Any,
    requester: Any,
    event_id: str,
) -> GetOneEventResponse | dict[str, Any]:
    """GET /_matrix/client/v3/events/{eventId}"""
    raise Unrecognized("getOneEvent")
