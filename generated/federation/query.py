"""api-specs/server-server/query.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class QueryProfileQuery(Struct, kw_only=True):
    user_id: str
    field_: str | None = field(name='field', default=None)


class QueryRoomDirectoryQuery(Struct, kw_only=True):
    room_alias: str


class QueryRoomDirectoryResponse(TypedDict):
    room_id: str
    servers: list[str]


QueryProfileResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def query_info(
        self,
        app: Any,
        origin: str,
        query_type: str,
    ) -> Any: ...

    def query_room_directory(
        self,
        app: Any,
        origin: str,
        query: QueryRoomDirectoryQuery,
    ) -> QueryRoomDirectoryResponse | dict[str, Any]: ...

    def query_profile(
        self,
        app: Any,
        origin: str,
        query: QueryProfileQuery,
    ) -> QueryProfileResponse | dict[str, Any]: ...


def query_info(
    app: Any,
    origin: str,
    query_type: str,
) -> Any:
    """GET /_matrix/federation/v1/query/{queryType}"""
    raise Unrecognized("queryInfo")


def query_room_directory(
    app: Any,
    origin: str,
    query: QueryRoomDirectoryQuery,
) -> QueryRoomDirectoryResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/query/directory"""
    raise Unrecognized("queryRoomDirectory")


def query_profile(
    app: Any,
    origin: str,
    query: QueryProfileQuery,
) -> QueryProfileResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/query/profile"""
    raise Unrecognized("queryProfile")
