"""api-specs/identity-service/v2_terms.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, TypeAlias, TypedDict


class GetTermsResponse(Struct, kw_only=True):
    policies: dict[str, dict[str, Any]]


AgreeToTermsResponse: TypeAlias = dict[str, Any]


class AgreeToTermsBody(TypedDict):
    user_accepts: list[str]
