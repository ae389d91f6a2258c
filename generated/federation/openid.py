"""api-specs/server-server/openid.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class ExchangeOpenIdTokenQuery(Struct, kw_only=True):
    access_token: str


class ExchangeOpenIdTokenResponse(TypedDict):
    sub: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def exchange_open_id_token(
        self,
        app: Any,
        query: ExchangeOpenIdTokenQuery,
    ) -> ExchangeOpenIdTokenResponse | dict[str, Any]: ...


def exchange_open_id_token(
    app: Any,
    query: ExchangeOpenIdTokenQuery,
) -> ExchangeOpenIdTokenResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/openid/userinfo"""
    raise Unrecognized("exchangeOpenIdToken")
