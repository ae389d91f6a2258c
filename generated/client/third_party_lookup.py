"""api-specs/client-server/third_party_lookup.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class QueryLocationByAliasQuery(Struct, kw_only=True):
    alias: str


class QueryLocationByProtocolQuery(Struct, kw_only=True):
    fields: dict[str, str] | None = None


class QueryUserByIdQuery(Struct, kw_only=True):
    userid: str


class QueryUserByProtocolQuery(Struct, kw_only=True):
    fields: dict[str, str] | None = None


class LocationDict(TypedDict):
    alias: str
    protocol: str
    fields: dict[str, Any]


class ProtocolDict(TypedDict):
    user_fields: list[str]
    location_fields: list[str]
    icon: str
    field_types: dict[str, ProtocolDictFieldTypesValue]
    instances: list[ProtocolDictInstancesItem]


GetProtocolMetadataResponse: TypeAlias = ProtocolDict


GetProtocolsResponse: TypeAlias = dict[str, ProtocolDict]


class ProtocolDictFieldTypesValue(TypedDict):
    regexp: str
    placeholder: str


class ProtocolDictInstancesItem(TypedDict):
    desc: str
    icon: NotRequired[str]
    fields: dict[str, Any]
    network_id: str
    instance_id: NotRequired[str]


QueryLocationByAliasResponse: TypeAlias = list[LocationDict]


QueryLocationByProtocolResponse: TypeAlias = list[LocationDict]


class UserDict(TypedDict):
    userid: str
    protocol: str
    fields: dict[str, Any]


QueryUserByIdResponse: TypeAlias = list[UserDict]


QueryUserByProtocolResponse: TypeAlias = list[UserDict]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_protocols(
        self,
        app: Any,
        requester: Any,
    ) -> GetProtocolsResponse | dict[str, Any]: ...

    def get_protocol_metadata(
        self,
        app: Any,
        requester: Any,
        protocol: str,
    ) -> GetProtocolMetadataResponse | dict[str, Any]: ...

    def query_location_by_protocol(
        self,
        app: Any,
        requester: Any,
        protocol: str,
        query: QueryLocationByProtocolQuery,
    ) -> QueryLocationByProtocolResponse | dict[str, Any]: ...

    def query_user_by_protocol(
        self,
        app: Any,
        requester: Any,
        protocol: str,
        query: QueryUserByProtocolQuery,
    ) -> QueryUserByProtocolResponse | dict[str, Any]: ...

    def query_location_by_alias(
        self,
        app: Any,
        requester: Any,
        query: QueryLocationByAliasQuery,
    ) -> QueryLocationByAliasResponse | dict[str, Any]: ...

    def query_user_by_id(
        self,
        app: Any,
        requester: Any,
        query: QueryUserByIdQuery,
    ) -> QueryUserByIdResponse | dict[str, Any]: ...


def get_protocols(
    app: Any,
    requester: Any,
) -> GetProtocolsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/thirdparty/protocols"""
    raise Unrecognized("getProtocols")


def get_protocol_metadata(
    app: Any,
    requester: Any,
    protocol: str,
) -> GetProtocolMetadataResponse | dict[str, Any]:
    """GET /_matrix/client/v3/thirdparty/protocol/{protocol}"""
    raise Unrecognized("getProtocolMetadata")


def query_location_by_protocol(
    app: Any,
    requester: Any,
    protocol: str,
    query: QueryLocationByProtocolQuery,
) -> QueryLocationByProtocolResponse | dict[str, Any]:
    """GET /_matrix/client/v3/thirdparty/location/{protocol}"""
    raise Unrecognized("queryLocationByProtocol")


def query_user_by_protocol(
    app: Any,
    requester: Any,
    protocol: str,
    query: QueryUserByProtocolQuery,
) -> QueryUserByProtocolResponse | dict[str, Any]:
    """GET /_matrix/client/v3/thirdparty/user/{protocol}"""
    raise Unrecognized("queryUserByProtocol")


def query_location_by_alias(
    app: Any,
    requester: Any,
    query: QueryLocationByAliasQuery,
) -> QueryLocationByAliasResponse | dict[str, Any]:
    """GET /_matrix/client/v3/thirdparty/location"""
    raise Unrecognized("queryLocationByAlias")


def query_user_by_id(
    app: Any,
    requester: Any,
    query: QueryUserByIdQuery,
) -> QueryUserByIdResponse | dict[str, Any]:
    """GET /_matrix/client/v3/thirdparty/user"""
    raise Unrecognized("queryUserByID")
