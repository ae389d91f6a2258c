"""api-specs/identity-service/v2_pubkey.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import TypedDict


class GetPubKeyV2Response(Struct, kw_only=True):
    public_key: str


class IsEphemeralPubKeyValidV2Response(Struct, kw_only=True):
    valid: bool


class IsPubKeyValidV2Response(Struct, kw_only=True):
    valid: bool


class IsEphemeralPubKeyValidV2Query(TypedDict):
    public_key: str


class IsPubKeyValidV2Query(TypedDict):
    public_key: str
