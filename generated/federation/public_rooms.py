"""api-specs/server-server/public_rooms.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetPublicRoomsQuery(Struct, kw_only=True):
    limit: int | None = None
    since: str | None = None
    include_all_networks: bool | None = None
    third_party_instance_id: str | None = None


class QueryPublicRoomsBody(Struct, kw_only=True):
    limit: int | None = None
    since: str | None = None
    filter: QueryPublicRoomsBodyFilter | None = None
    include_all_networks: bool | None = None
    third_party_instance_id: str | None = None


class QueryPublicRoomsBodyFilter(Struct, kw_only=True):
    generic_search_term: str | None = None
    room_types: list[str | None] | None = None


class PublicRoomsChunkDict(TypedDict):
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


class PublicRoomsResponseDict(TypedDict):
    chunk: list[PublicRoomsChunkDict]
    next_batch: NotRequired[str]
    prev_batch: NotRequired[str]
    total_room_count_estimate: NotRequired[int]


GetPublicRoomsResponse: TypeAlias = PublicRoomsResponseDict


QueryPublicRoomsResponse: TypeAlias = PublicRoomsResponseDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_public_rooms(
        self,
        app: Any,
        origin: str,
        query: GetPublicRoomsQuery,
    ) -> GetPublicRoomsResponse | dict[str, Any]: ...

    def query_public_rooms(
        self,
        app: Any,
        origin: str,
        body: QueryPublicRoomsBody,
    ) -> QueryPublicRoomsResponse | dict[str, Any]: ...


def get_public_rooms(
    app: Any,
    origin: str,
    query: GetPublicRoomsQuery,
) -> GetPublicRoomsResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/publicRooms"""
    raise Unrecognized("getPublicRooms")


def query_public_rooms(
    app: Any,
    origin: str,
    body: QueryPublicRoomsBody,
) -> QueryPublicRoomsResponse | dict[str, Any]:
    """POST /_matrix/federation/v1/publicRooms"""
    raise Unrecognized("queryPublicRooms")
