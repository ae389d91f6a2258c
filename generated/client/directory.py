"""api-specs/client-server/directory.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class SetRoomAliasBody(Struct, kw_only=True):
    room_id: str


class GetLocalAliasesResponse(TypedDict):
    aliases: list[str]


class GetRoomIdByAliasResponse(TypedDict):
    room_id: NotRequired[str]
    servers: NotRequired[list[str]]


SetRoomAliasResponse: TypeAlias = dict[str, Any]


DeleteRoomAliasResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_id_by_alias(
        self,
        app: Any,
        room_alias: str,
    ) -> GetRoomIdByAliasResponse | dict[str, Any]: ...

    def set_room_alias(
        self,
        app: Any,
        requester: Any,
        room_alias: str,
        body: SetRoomAliasBody,
    ) -> SetRoomAliasResponse | dict[str, Any]: ...

    def delete_room_alias(
        self,
        app: Any,
        requester: Any,
        room_alias: str,
    ) -> DeleteRoomAliasResponse | dict[str, Any]: ...

    def get_local_aliases(
        self,
        app: Any,
        requester: Any,
        room_id: str,
    ) -> GetLocalAliasesResponse | dict[str, Any]: ...


def get_room_id_by_alias(
    app: Any,
    room_alias: str,
) -> GetRoomIdByAliasResponse | dict[str, Any]:
    """GET /_matrix/client/v3/directory/room/{roomAlias}"""
    raise Unrecognized("getRoomIdByAlias")


def set_room_alias(
    app: Any,
    requester: Any,
    room_alias: str,
    body: SetRoomAliasBody,
) -> SetRoomAliasResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/directory/room/{roomAlias}"""
    raise Unrecognized("setRoomAlias")


def delete_room_alias(
    app: Any,
    requester: Any,
    room_alias: str,
) -> DeleteRoomAliasResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/directory/room/{roomAlias}"""
    raise Unrecognized("deleteRoomAlias")


def get_local_aliases(
    app: Any,
    requester: Any,
    room_id: str,
) -> GetLocalAliasesResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/aliases"""
    raise Unrecognized("getLocalAliases")
