"""api-specs/server-server/backfill.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class BackfillRoomQuery(Struct, kw_only=True):
    v: list[str]
    limit: int


class GetMissingPreviousEventsBody(Struct, kw_only=True):
    earliest_events: list[str]
    latest_events: list[str]
    limit: int | None = None
    min_depth: int | None = None


class GetMissingPreviousEventsResponse(TypedDict):
    events: list[dict[str, Any]]


class UnlimitedPduTransactionDict(TypedDict):
    pdus: list[dict[str, Any]]
    origin: str
    origin_server_ts: int


BackfillRoomResponse: TypeAlias = UnlimitedPduTransactionDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def backfill_room(
        self,
        app: Any,
        origin: str,
        room_id: str,
        query: BackfillRoomQuery,
    ) -> BackfillRoomResponse | dict[str, Any]: ...

    def get_missing_previous_events(
        self,
        app: Any,
        origin: str,
        room_id: str,
        body: GetMissingPreviousEventsBody,
    ) -> GetMissingPreviousEventsResponse | dict[str, Any]: ...


def backfill_room(
    app: Any,
    origin: str,
    room_id: str,
    query: BackfillRoomQuery,
) -> BackfillRoomResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/backfill/{roomId}"""
    raise Unrecognized("backfillRoom")


def get_missing_previous_events(
    app: Any,
    origin: str,
    room_id: str,
    body: GetMissingPreviousEventsBody,
) -> GetMissingPreviousEventsResponse | dict[str, Any]:
    """POST /_matrix/federation/v1/get_missing_events/{roomId}"""
    raise Unrecognized("getMissingPreviousEvents")
