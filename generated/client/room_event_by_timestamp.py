"""api-specs/client-server/room_event_by_timestamp.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetEventByTimestampQuery(Struct, kw_only=True):
    ts: int
    dir: Literal['f', 'b']


class GetEventByTimestampResponse(TypedDict):
    event_id: str
    origin_server_ts: int


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_event_by_timestamp(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        query: GetEventByTimestampQuery,
    ) -> GetEventByTimestampResponse | dict[str, Any]: ...


def get_event_by_timestamp(
    app: Any,
    requester: Any,
    room_id: str,
    query: GetEventByTimestampQuery,
) -> GetEventByTimestampResponse | dict[str, Any]:
    """GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event"""
    raise Unrecognized("getEventByTimestamp")
