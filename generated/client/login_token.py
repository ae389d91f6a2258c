"""api-specs/client-server/login_token.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GenerateLoginTokenBody(Struct, kw_only=True):
    auth: dict[str, Any] | None = None


class GenerateLoginTokenResponse(TypedDict):
    login_token: str
    expires_in_ms: int


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def generate_login_token(
        self,
        app: Any,
        requester: Any,
        body: GenerateLoginTokenBody,
    ) -> GenerateLoginTokenResponse | dict[str, Any]: ...


def generate_login_token(
    app: Any,
    requester: Any,
    body: GenerateLoginTokenBody,
) -> GenerateLoginTokenResponse | dict[str, Any]:
    """POST /_matrix/client/v1/login/get_token"""
    raise Unrecognized("generateLoginToken")
