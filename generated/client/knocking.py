"""api-specs/client-server/knocking.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class KnockRoomBody(Struct, kw_only=True):
    reason: str | None = None


class KnockRoomQuery(Struct, kw_only=True):
    via: list[str] | None = None
    server_name: list[str] | None = None


class KnockRoomResponse(TypedDict):
    room_id: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def knock_room(
        self,
        app: Any,
        requester: Any,
        room_id_or_alias: str,
        query: KnockRoomQuery,
        body: KnockRoomBody,
    ) -> KnockRoomResponse | dict[str, Any]: ...


def knock_room(
    app: Any,
    requester: Any,
    room_id_or_alias: str,
    query: KnockRoomQuery,
    body: KnockRoomBody,
) -> KnockRoomResponse | dict[str, Any]:
    """POST /_matrix/client/v3/knock/{roomIdOrAlias}"""
    raise Unrecognized("knockRoom")
