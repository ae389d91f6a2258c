"""api-specs/client-server/sso_login_redirect.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Literal, Protocol

from generated.unrecognized import Unrecognized


class RedirectToIdpQuery(Struct, kw_only=True):
    redirect_url: str = field(name='redirectUrl')
    action: Literal['login', 'register'] | None = None


class RedirectToSsoQuery(Struct, kw_only=True):
    redirect_url: str = field(name='redirectUrl')
    action: Literal['login', 'register'] | None = None


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def redirect_to_sso(
        self,
        app: Any,
        query: RedirectToSsoQuery,
    ) -> Any: ...

    def redirect_to_idp(
        self,
        app: Any,
        idp_id: str,
        query: RedirectToIdpQuery,
    ) -> Any: ...


def redirect_to_sso(
    app: Any,
    query: RedirectToSsoQuery,
) -> Any:
    """GET /_matrix/client/v3/login/sso/redirect"""
    raise Unrecognized("redirectToSSO")


def redirect_to_idp(
    app: Any,
    idp_id: str,
    query: RedirectToIdpQuery,
) -> Any:
    """GET /_matrix/client/v3/login/sso/redirect/{idpId}"""
    raise Unrecognized("redirectToIdP")
