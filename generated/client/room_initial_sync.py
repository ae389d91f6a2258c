"""api-specs/client-server/room_initial_sync.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class RoomInitialSyncResponse(TypedDict):
    room_id: str
    membership: NotRequired[Literal['invite', 'join', 'leave', 'ban']]
    messages: NotRequired[RoomInitialSyncResponseMessages]
    state: NotRequired[list[dict[str, Any]]]
    visibility: NotRequired[Literal['private', 'public']]
    account_data: NotRequired[list[dict[str, Any]]]


class RoomInitialSyncResponseMessages(TypedDict):
    start: NotRequired[str]
    end: str
    chunk: list[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def room_initial_sync(
        self,
        app: Any,
        requester: Any,
        room_id: str,
    ) -> RoomInitialSyncResponse | dict[str, Any]: ...


def room_initial_sync(
    app: Any,
    requester: Any,
    room_id: str,
) -> RoomInitialSyncResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/initialSync"""
    raise Unrecognized("roomInitialSync")
