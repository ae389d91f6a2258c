"""api-specs/client-server/event_context.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetEventContextQuery(Struct, kw_only=True):
    limit: int | None = None
    filter: str | None = None


class GetEventContextResponse(TypedDict):
    start: NotRequired[str]
    end: NotRequired[str]
    events_before: NotRequired[list[dict[str, Any]]]
    event: NotRequired[dict[str, Any]]
    events_after: NotRequired[list[dict[str, Any]]]
    state: NotRequired[list[dict[str, Any]]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_event_context(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_id: str,
        query: GetEventContextQuery,
    ) -> GetEventContextResponse | dict[str, Any]: ...


def get_event_context(
    app: Any,
    requester: Any,
    room_id: str,
    event_id: str,
    query: GetEventContextQuery,
) -> GetEventContextResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}"""
    raise Unrecognized("getEventContext")
