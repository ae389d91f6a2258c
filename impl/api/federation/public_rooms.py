"""api-specs/server-server/public_rooms.yaml"""

from generated.federation.public_rooms import (
    GetPublicRoomsQuery,
    GetPublicRoomsResponse,
    QueryPublicRoomsBody,
    QueryPublicRoomsResponse,
)
from impl.app import App
from impl.services import room_directory


def get_public_rooms(app: App, origin: str, query: GetPublicRoomsQuery) -> GetPublicRoomsResponse:
    asked = room_directory.Query(
        limit=query.limit,
        since=query.since,
        include_all_networks=bool(query.include_all_networks),
        third_party_instance_id=query.third_party_instance_id,
    )
    return room_directory.search_from(app, asked)


def query_public_rooms(
    app: App, origin: str, body: QueryPublicRoomsBody
) -> QueryPublicRoomsResponse:
    asked = room_directory.Query(
        limit=body.limit,
        since=body.since,
        search_term=body.filter.generic_search_term if body.filter else None,
        room_types=body.filter.room_types if body.filter else None,
        include_all_networks=bool(body.include_all_networks),
        third_party_instance_id=body.third_party_instance_id,
    )
    return room_directory.search_from(app, asked)
