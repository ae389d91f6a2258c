"""api-specs/client-server/kicking.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class KickBody(Struct, kw_only=True):
    user_id: str
    reason: str | None = None


KickResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def kick(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: KickBody,
    ) -> KickResponse | dict[str, Any]: ...


def kick(
    app: Any,
    requester: Any,
    room_id: str,
    body: KickBody,
) -> KickResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/kick"""
    raise Unrecognized("kick")
