"""api-specs/client-server/list_public_rooms.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetPublicRoomsQuery(Struct, kw_only=True):
    limit: int | None = None
    since: str | None = None
    server: str | None = None


class QueryPublicRoomsBody(Struct, kw_only=True):
    limit: int | None = None
    since: str | None = None
    filter: QueryPublicRoomsBodyFilter | None = None
    include_all_networks: bool | None = None
    third_party_instance_id: str | None = None


class QueryPublicRoomsBodyFilter(Struct, kw_only=True):
    generic_search_term: str | None = None
    room_types: list[str | None] | None = None


class QueryPublicRoomsQuery(Struct, kw_only=True):
    server: str | None = None


class SetRoomVisibilityOnDirectoryBody(Struct, kw_only=True):
    visibility: Literal['private', 'public'] | None = None


class GetRoomVisibilityOnDirectoryResponse(TypedDict):
    visibility: NotRequired[Literal['private', 'public']]


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


SetRoomVisibilityOnDirectoryResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_visibility_on_directory(
        self,
        app: Any,
        room_id: str,
    ) -> GetRoomVisibilityOnDirectoryResponse | dict[str, Any]: ...

    def set_room_visibility_on_directory(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: SetRoomVisibilityOnDirectoryBody,
    ) -> SetRoomVisibilityOnDirectoryResponse | dict[str, Any]: ...

    def get_public_rooms(
        self,
        app: Any,
        requester: Any | None,
        query: GetPublicRoomsQuery,
    ) -> GetPublicRoomsResponse | dict[str, Any]: ...

    def query_public_rooms(
        self,
        app: Any,
        requester: Any,
        query: QueryPublicRoomsQuery,
        body: QueryPublicRoomsBody,
    ) -> QueryPublicRoomsResponse | dict[str, Any]: ...


def get_room_visibility_on_directory(
    app: Any,
    room_id: str,
) -> GetRoomVisibilityOnDirectoryResponse | dict[str, Any]:
    """GET /_matrix/client/v3/directory/list/room/{roomId}"""
    raise Unrecognized("getRoomVisibilityOnDirectory")


def set_room_visibility_on_directory(
    app: Any,
    requester: Any,
    room_id: str,
    body: SetRoomVisibilityOnDirectoryBody,
) -> SetRoomVisibilityOnDirectoryResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/directory/list/room/{roomId}"""
    raise Unrecognized("setRoomVisibilityOnDirectory")


def get_public_rooms(
    app: Any,
    requester: Any | None,
    query: GetPublicRoomsQuery,
) -> GetPublicRoomsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/publicRooms"""
    raise Unrecognized("getPublicRooms")


def query_public_rooms(
    app: Any,
    requester: Any,
    query: QueryPublicRoomsQuery,
    body: QueryPublicRoomsBody,
) -> QueryPublicRoomsResponse | dict[str, Any]:
    """POST /_matrix/client/v3/publicRooms"""
    raise Unrecognized("queryPublicRooms")
