"""api-specs/client-server/list_joined_rooms.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetJoinedRoomsResponse(TypedDict):
    joined_rooms: list[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_joined_rooms(
        self,
        app: Any,
        requester: Any,
    ) -> GetJoinedRoomsResponse | dict[str, Any]: ...


def get_joined_rooms(
    app: Any,
    requester: Any,
) -> GetJoinedRoomsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/joined_rooms"""
    raise Unrecognized("getJoinedRooms")
