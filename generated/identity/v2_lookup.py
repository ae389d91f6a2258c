"""api-specs/identity-service/v2_lookup.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import TypedDict


class GetHashDetailsResponse(Struct, kw_only=True):
    lookup_pepper: str
    algorithms: list[str]


class LookupUsersV2Response(Struct, kw_only=True):
    mappings: dict[str, str]


class LookupUsersV2Body(TypedDict):
    algorithm: str
    pepper: str
    addresses: list[str]
