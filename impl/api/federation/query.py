"""api-specs/server-server/query.yaml"""

from typing import Any

from generated.federation.query import (
    QueryProfileQuery,
    QueryRoomDirectoryQuery,
    QueryRoomDirectoryResponse,
)
from impl import errors
from impl.app import App
from impl.services import aliases, profiles


def query_info(app: App, origin: str, query_type: str) -> dict[str, Any]:
    raise errors.Unrecognized("there is no query of this type")


def query_room_directory(
    app: App, origin: str, query: QueryRoomDirectoryQuery
) -> QueryRoomDirectoryResponse:
    room_id, servers = aliases.resolve_own(app, query.room_alias)
    return {"room_id": room_id, "servers": servers}


def query_profile(app: App, origin: str, query: QueryProfileQuery) -> dict[str, Any]:
    return profiles.tell_server(app, query.user_id, query.field_)
