"""api-specs/identity-service/v2_associations.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, TypeAlias, TypedDict


class BindV2Response(Struct, kw_only=True):
    address: str
    medium: str
    mxid: str
    not_before: int
    not_after: int
    ts: int
    signatures: dict[str, dict[str, str]]


class GetValidated3pidV2Response(Struct, kw_only=True):
    medium: str
    address: str
    validated_at: int


UnbindV2Response: TypeAlias = dict[str, Any]


class BindV2Body(TypedDict):
    sid: str
    client_secret: str
    mxid: str


class GetValidated3pidV2Query(TypedDict):
    sid: str
    client_secret: str


class UnbindV2Body(TypedDict):
    sid: NotRequired[str]
    client_secret: NotRequired[str]
    mxid: str
    threepid: UnbindV2BodyThreepid


class UnbindV2BodyThreepid(TypedDict):
    medium: str
    address: str
