"""api-specs/client-server/room_upgrades.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class UpgradeRoomBody(Struct, kw_only=True):
    new_version: str
    additional_creators: list[str] | None = None


class UpgradeRoomResponse(TypedDict):
    replacement_room: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def upgrade_room(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: UpgradeRoomBody,
    ) -> UpgradeRoomResponse | dict[str, Any]: ...


def upgrade_room(
    app: Any,
    requester: Any,
    room_id: str,
    body: UpgradeRoomBody,
) -> UpgradeRoomResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/upgrade"""
    raise Unrecognized("upgradeRoom")
