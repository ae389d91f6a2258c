"""api-specs/client-server/list_public_rooms.yaml"""

from generated.client.list_public_rooms import (
    GetPublicRoomsQuery,
    GetPublicRoomsResponse,
    GetRoomVisibilityOnDirectoryResponse,
    QueryPublicRoomsBody,
    QueryPublicRoomsQuery,
    QueryPublicRoomsResponse,
    SetRoomVisibilityOnDirectoryBody,
    SetRoomVisibilityOnDirectoryResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import room_directory


def get_room_visibility_on_directory(
    app: App, room_id: str
) -> GetRoomVisibilityOnDirectoryResponse:
    return {"visibility": room_directory.get_visibility(app, room_id)}


def set_room_visibility_on_directory(
    app: App, requester: Requester, room_id: str, body: SetRoomVisibilityOnDirectoryBody
) -> SetRoomVisibilityOnDirectoryResponse:
    room_directory.set_visibility(app, requester, room_id, body.visibility or "public")
    return {}


def get_public_rooms(
    app: App, requester: Requester | None, query: GetPublicRoomsQuery
) -> GetPublicRoomsResponse:
    asked = room_directory.Query(limit=query.limit, since=query.since, server=query.server)
    return room_directory.search(app, requester, asked)


def query_public_rooms(
    app: App, requester: Requester, query: QueryPublicRoomsQuery, body: QueryPublicRoomsBody
) -> QueryPublicRoomsResponse:
    asked = room_directory.Query(
        limit=body.limit,
        since=body.since,
        server=query.server,
        search_term=body.filter.generic_search_term if body.filter else None,
        room_types=body.filter.room_types if body.filter else None,
        include_all_networks=bool(body.include_all_networks),
        third_party_instance_id=body.third_party_instance_id,
    )
    return room_directory.search(app, requester, asked)
