"""api-specs/client-server/openid.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


RequestOpenIdTokenBody: TypeAlias = dict[str, Any]


class OpenidTokenDict(TypedDict):
    access_token: str
    token_type: str
    matrix_server_name: str
    expires_in: int


RequestOpenIdTokenResponse: TypeAlias = OpenidTokenDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def request_open_id_token(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        body: dict[str, Any],
    ) -> RequestOpenIdTokenResponse | dict[str, Any]: ...


def request_open_id_token(
    app: Any,
    requester: Any,
    user_id: str,
    body: dict[str, Any],
) -> RequestOpenIdTokenResponse | dict[str, Any]:
    """POST /_matrix/client/v3/user/{userId}/openid/request_token"""
    raise Unrecognized("requestOpenIdToken")
