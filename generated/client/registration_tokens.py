"""api-specs/client-server/registration_tokens.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class RegistrationTokenValidityQuery(Struct, kw_only=True):
    token: str


class RegistrationTokenValidityResponse(TypedDict):
    valid: bool


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def registration_token_validity(
        self,
        app: Any,
        query: RegistrationTokenValidityQuery,
    ) -> RegistrationTokenValidityResponse | dict[str, Any]: ...


def registration_token_validity(
    app: Any,
    query: RegistrationTokenValidityQuery,
) -> RegistrationTokenValidityResponse | dict[str, Any]:
    """GET /_matrix/client/v1/register/m.login.registration_token/validity"""
    raise Unrecognized("registrationTokenValidity")
