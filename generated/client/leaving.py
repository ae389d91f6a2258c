"""api-specs/client-server/leaving.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class LeaveRoomBody(Struct, kw_only=True):
    reason: str | None = None


LeaveRoomResponse: TypeAlias = dict[str, Any]


ForgetRoomResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def leave_room(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: LeaveRoomBody,
    ) -> LeaveRoomResponse | dict[str, Any]: ...

    def forget_room(
        self,
        app: Any,
        requester: Any,
        room_id: str,
    ) -> ForgetRoomResponse | dict[str, Any]: ...


def leave_room(
    app: Any,
    requester: Any,
    room_id: str,
    body: LeaveRoomBody,
) -> LeaveRoomResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/leave"""
    raise Unrecognized("leaveRoom")


def forget_room(
    app: Any,
    requester: Any,
    room_id: str,
) -> ForgetRoomResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/forget"""
    raise Unrecognized("forgetRoom")
