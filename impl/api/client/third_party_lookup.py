"""api-specs/client-server/third_party_lookup.yaml"""

from typing import Any

from generated.client.third_party_lookup import (
    QueryLocationByAliasQuery,
    QueryLocationByProtocolQuery,
    QueryUserByIdQuery,
    QueryUserByProtocolQuery,
)
from impl.app import App
from impl.requester import Requester
from impl.services import third_party_networks


def get_protocols(app: App, requester: Requester) -> dict[str, Any]:
    return third_party_networks.protocols()


def get_protocol_metadata(app: App, requester: Requester, protocol: str) -> dict[str, Any]:
    return third_party_networks.protocol(protocol)


def query_location_by_protocol(
    app: App, requester: Requester, protocol: str, query: QueryLocationByProtocolQuery
) -> dict[str, Any]:
    return third_party_networks.locations(protocol)


def query_user_by_protocol(
    app: App, requester: Requester, protocol: str, query: QueryUserByProtocolQuery
) -> dict[str, Any]:
    return third_party_networks.users(protocol)


def query_location_by_alias(
    app: App, requester: Requester, query: QueryLocationByAliasQuery
) -> dict[str, Any]:
    return third_party_networks.locations_of_alias(query.alias)


def query_user_by_id(app: App, requester: Requester, query: QueryUserByIdQuery) -> dict[str, Any]:
    return third_party_networks.users_of_id(query.userid)
