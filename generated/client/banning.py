"""api-specs/client-server/banning.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class BanBody(Struct, kw_only=True):
    user_id: str
    reason: str | None = None


class UnbanBody(Struct, kw_only=True):
    user_id: str
    reason: str | None = None


BanResponse: TypeAlias = dict[str, Any]


UnbanResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def ban(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: BanBody,
    ) -> BanResponse | dict[str, Any]: ...

    def unban(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: UnbanBody,
    ) -> UnbanResponse | dict[str, Any]: ...


def ban(
    app: Any,
    requester: Any,
    room_id: str,
    body: BanBody,
) -> BanResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/ban"""
    raise Unrecognized("ban")


def unban(
    app: Any,
    requester: Any,
    room_id: str,
    body: UnbanBody,
) -> UnbanResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/unban"""
    raise Unrecognized("unban")
