"""api-specs/unstable/msc3266.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetRoomSummaryQuery(Struct, kw_only=True):
    via: list[str] | None = None


class GetSummaryOfRoomQuery(Struct, kw_only=True):
    via: list[str] | None = None


RoomSummaryDict = TypedDict('RoomSummaryDict', {
    'room_id': str,
    'canonical_alias': NotRequired[str],
    'name': NotRequired[str],
    'topic': NotRequired[str],
    'avatar_url': NotRequired[str],
    'num_joined_members': int,
    'world_readable': bool,
    'guest_can_join': bool,
    'join_rule': NotRequired[str],
    'room_type': NotRequired[str],
    'allowed_room_ids': NotRequired[list[str]],
    'encryption': NotRequired[str],
    'room_version': NotRequired[str],
    'im.nheko.summary.encryption': NotRequired[str],
    'im.nheko.summary.room_version': NotRequired[str],
    'membership': NotRequired[str],})


GetRoomSummaryResponse: TypeAlias = RoomSummaryDict


GetSummaryOfRoomResponse: TypeAlias = RoomSummaryDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_summary(
        self,
        app: Any,
        requester: Any | None,
        room_id_or_alias: str,
        query: GetRoomSummaryQuery,
    ) -> GetRoomSummaryResponse | dict[str, Any]: ...

    def get_summary_of_room(
        self,
        app: Any,
        requester: Any | None,
        room_id_or_alias: str,
        query: GetSummaryOfRoomQuery,
    ) -> GetSummaryOfRoomResponse | dict[str, Any]: ...


def get_room_summary(
    app: Any,
    requester: Any | None,
    room_id_or_alias: str,
    query: GetRoomSummaryQuery,
) -> GetRoomSummaryResponse | dict[str, Any]:
    """GET /_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}"""
    raise Unrecognized("getRoomSummary")


def get_summary_of_room(
    app: Any,
    requester: Any | None,
    room_id_or_alias: str,
    query: GetSummaryOfRoomQuery,
) -> GetSummaryOfRoomResponse | dict[str, Any]:
    """GET /_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary"""
    raise Unrecognized("getSummaryOfRoom")
