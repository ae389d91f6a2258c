"""api-specs/unstable/room_complexity.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetRoomComplexityResponse(TypedDict):
    v1: float


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_complexity(
        self,
        app: Any,
        origin: str,
        room_id: str,
    ) -> GetRoomComplexityResponse | dict[str, Any]: ...


def get_room_complexity(
    app: Any,
    origin: str,
    room_id: str,
) -> GetRoomComplexityResponse | dict[str, Any]:
    """GET /_matrix/federation/unstable/rooms/{roomId}/complexity"""
    raise Unrecognized("getRoomComplexity")
