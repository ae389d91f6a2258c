"""api-specs/client-server/mutual_rooms.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetMutualRoomsQuery(Struct, kw_only=True):
    user_id: str
    from_: str | None = field(name='from', default=None)


class GetMutualRoomsResponse(TypedDict):
    joined: list[str]
    count: int
    next_batch: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_mutual_rooms(
        self,
        app: Any,
        requester: Any,
        query: GetMutualRoomsQuery,
    ) -> GetMutualRoomsResponse | dict[str, Any]: ...


def get_mutual_rooms(
    app: Any,
    requester: Any,
    query: GetMutualRoomsQuery,
) -> GetMutualRoomsResponse | dict[str, Any]:
    """GET /_matrix/client/v1/mutual_rooms"""
    raise Unrecognized("getMutualRooms")
