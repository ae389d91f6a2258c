"""api-specs/server-server/events.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetEventByTimestampQuery(Struct, kw_only=True):
    ts: int
    dir: Literal['f', 'b']


class GetRoomStateIdsQuery(Struct, kw_only=True):
    event_id: str


class GetRoomStateQuery(Struct, kw_only=True):
    event_id: str


class GetEventByTimestampResponse(TypedDict):
    event_id: str
    origin_server_ts: int


class GetRoomStateIdsResponse(TypedDict):
    auth_chain_ids: list[str]
    pdu_ids: list[str]


class GetRoomStateResponse(TypedDict):
    auth_chain: list[dict[str, Any]]
    pdus: list[dict[str, Any]]


class SinglePduTransactionDict(TypedDict):
    pdus: list[dict[str, Any]]
    origin: str
    origin_server_ts: int


GetEventResponse: TypeAlias = SinglePduTransactionDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_state(
        self,
        app: Any,
        origin: str,
        room_id: str,
        query: GetRoomStateQuery,
    ) -> GetRoomStateResponse | dict[str, Any]: ...

    def get_room_state_ids(
        self,
        app: Any,
        origin: str,
        room_id: str,
        query: GetRoomStateIdsQuery,
    ) -> GetRoomStateIdsResponse | dict[str, Any]: ...

    def get_event(
        self,
        app: Any,
        origin: str,
        event_id: str,
    ) -> GetEventResponse | dict[str, Any]: ...

    def get_event_by_timestamp(
        self,
        app: Any,
        origin: str,
        room_id: str,
        query: GetEventByTimestampQuery,
    ) -> GetEventByTimestampResponse | dict[str, Any]: ...


def get_room_state(
    app: Any,
    origin: str,
    room_id: str,
    query: GetRoomStateQuery,
) -> GetRoomStateResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/state/{roomId}"""
    raise Unrecognized("getRoomState")


def get_room_state_ids(
    app: Any,
    origin: str,
    room_id: str,
    query: GetRoomStateIdsQuery,
) -> GetRoomStateIdsResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/state_ids/{roomId}"""
    raise Unrecognized("getRoomStateIds")


def get_event(
    app: Any,
    origin: str,
    event_id: str,
) -> GetEventResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/event/{eventId}"""
    raise Unrecognized("getEvent")


def get_event_by_timestamp(
    app: Any,
    origin: str,
    room_id: str,
    query: GetEventByTimestampQuery,
) -> GetEventByTimestampResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/timestamp_to_event/{roomId}"""
    raise Unrecognized("getEventByTimestamp")
