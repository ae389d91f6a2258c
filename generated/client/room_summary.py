"""api-specs/client-server/room_summary.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetRoomSummaryQuery(Struct, kw_only=True):
    via: list[str] | None = None


class GetRoomSummaryResponse(TypedDict):
    canonical_alias: NotRequired[str]
    name: NotRequired[str]
    num_joined_members: int
    room_id: str
    topic: NotRequired[str]
    world_readable: bool
    guest_can_join: bool
    avatar_url: NotRequired[str]
    join_rule: NotRequired[str]
    room_type: NotRequired[str]
    allowed_room_ids: NotRequired[list[str]]
    encryption: NotRequired[Literal['m.megolm.v1.aes-sha2']]
    room_version: NotRequired[str]
    membership: NotRequired[Literal['invite', 'join', 'knock', 'leave', 'ban']]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_summary(
        self,
        app: Any,
        requester: Any | None,
        room_id_or_alias: str,
        query: GetRoomSummaryQuery,
    ) -> GetRoomSummaryResponse | dict[str, Any]: ...


def get_room_summary(
    app: Any,
    requester: Any | None,
    room_id_or_alias: str,
    query: GetRoomSummaryQuery,
) -> GetRoomSummaryResponse | dict[str, Any]:
    """GET /_matrix/client/v1/room_summary/{roomIdOrAlias}"""
    raise Unrecognized("getRoomSummary")
