"""api-specs/server-server/space_hierarchy.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetSpaceHierarchyQuery(Struct, kw_only=True):
    suggested_only: bool | None = None


class GetSpaceHierarchyResponse(TypedDict):
    room: GetSpaceHierarchyResponseRoom
    children: list[GetSpaceHierarchyResponseChildrenItem]
    inaccessible_children: list[str]


class GetSpaceHierarchyResponseChildrenItem(TypedDict):
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


class GetSpaceHierarchyResponseRoom(TypedDict):
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
    children_state: list[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_space_hierarchy(
        self,
        app: Any,
        origin: str,
        room_id: str,
        query: GetSpaceHierarchyQuery,
    ) -> GetSpaceHierarchyResponse | dict[str, Any]: ...


def get_space_hierarchy(
    app: Any,
    origin: str,
    room_id: str,
    query: GetSpaceHierarchyQuery,
) -> GetSpaceHierarchyResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/hierarchy/{roomId}"""
    raise Unrecognized("getSpaceHierarchy")
