"""api-specs/identity-service/v2_invitation_signing.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import TypedDict


class BlindlySignStuffV2Response(Struct, kw_only=True):
    mxid: str
    sender: str
    signatures: dict[str, dict[str, str]]
    token: str


class BlindlySignStuffV2Body(TypedDict):
    mxid: str
    token: str
    private_key: str
