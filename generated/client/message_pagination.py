"""api-specs/client-server/message_pagination.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetRoomEventsQuery(Struct, kw_only=True):
    dir: Literal['b', 'f']
    from_: str | None = field(name='from', default=None)
    to: str | None = None
    limit: int | None = None
    filter: str | None = None


class GetRoomEventsResponse(TypedDict):
    start: str
    end: NotRequired[str]
    chunk: list[dict[str, Any]]
    state: NotRequired[list[dict[str, Any]]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_events(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        query: GetRoomEventsQuery,
    ) -> GetRoomEventsResponse | dict[str, Any]: ...


def get_room_events(
    app: Any,
    requester: Any,
    room_id: str,
    query: GetRoomEventsQuery,
) -> GetRoomEventsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/messages"""
    raise Unrecognized("getRoomEvents")
