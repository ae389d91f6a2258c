"""api-specs/identity-service/versions.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct


class GetVersionsResponse(Struct, kw_only=True):
    versions: list[str]
