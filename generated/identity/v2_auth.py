"""api-specs/identity-service/v2_auth.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, TypeAlias, TypedDict


class GetAccountResponse(Struct, kw_only=True):
    user_id: str


class RegisterAccountResponse(Struct, kw_only=True):
    token: str


LogoutResponse: TypeAlias = dict[str, Any]


class OpenidTokenDict(TypedDict):
    access_token: str
    token_type: str
    matrix_server_name: str
    expires_in: int


RegisterAccountBody: TypeAlias = OpenidTokenDict
