"""api-specs/client-server/joining.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class JoinRoomBody(Struct, kw_only=True):
    third_party_signed: dict[str, Any] | None = None
    reason: str | None = None


class JoinRoomByIdBody(Struct, kw_only=True):
    third_party_signed: dict[str, Any] | None = None
    reason: str | None = None


class JoinRoomQuery(Struct, kw_only=True):
    via: list[str] | None = None
    server_name: list[str] | None = None


class JoinRoomByIdResponse(TypedDict):
    room_id: str


class JoinRoomResponse(TypedDict):
    room_id: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def join_room_by_id(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: JoinRoomByIdBody,
    ) -> JoinRoomByIdResponse | dict[str, Any]: ...

    def join_room(
        self,
        app: Any,
        requester: Any,
        room_id_or_alias: str,
        query: JoinRoomQuery,
        body: JoinRoomBody,
    ) -> JoinRoomResponse | dict[str, Any]: ...


def join_room_by_id(
    app: Any,
    requester: Any,
    room_id: str,
    body: JoinRoomByIdBody,
) -> JoinRoomByIdResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/join"""
    raise Unrecognized("joinRoomById")


def join_room(
    app: Any,
    requester: Any,
    room_id_or_alias: str,
    query: JoinRoomQuery,
    body: JoinRoomBody,
) -> JoinRoomResponse | dict[str, Any]:
    """POST /_matrix/client/v3/join/{roomIdOrAlias}"""
    raise Unrecognized("joinRoom")
