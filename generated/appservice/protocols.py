"""api-specs/application-service/protocols.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, TypeAlias, TypedDict


class Location(Struct, kw_only=True):
    alias: str
    protocol: str
    fields: dict[str, Any]


class ProtocolInstance(Struct, kw_only=True):
    desc: str
    fields: dict[str, Any]
    network_id: str
    icon: str | None = None


class ProtocolStruct(Struct, kw_only=True):
    user_fields: list[str]
    location_fields: list[str]
    icon: str
    field_types: dict[str, ProtocolStructFieldTypesValue]
    instances: list[ProtocolInstance]


GetProtocolMetadataResponse: TypeAlias = ProtocolStruct


class ProtocolStructFieldTypesValue(Struct, kw_only=True):
    regexp: str
    placeholder: str


QueryLocationByAliasResponse: TypeAlias = list[Location]


QueryLocationByProtocolResponse: TypeAlias = list[Location]


class User(Struct, kw_only=True):
    userid: str
    protocol: str
    fields: dict[str, Any]


QueryUserByIdResponse: TypeAlias = list[User]


QueryUserByProtocolResponse: TypeAlias = list[User]


class QueryLocationByAliasQuery(TypedDict):
    alias: NotRequired[str]


class QueryLocationByProtocolQuery(TypedDict):
    fields: NotRequired[dict[str, str]]


class QueryUserByIdQuery(TypedDict):
    userid: NotRequired[str]


class QueryUserByProtocolQuery(TypedDict):
    fields: NotRequired[dict[str, str]]
