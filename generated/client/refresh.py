"""api-specs/client-server/refresh.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class RefreshBody(Struct, kw_only=True):
    refresh_token: str


class RefreshResponse(TypedDict):
    access_token: str
    refresh_token: NotRequired[str]
    expires_in_ms: NotRequired[int]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def refresh(
        self,
        app: Any,
        body: RefreshBody,
    ) -> RefreshResponse | dict[str, Any]: ...


def refresh(
    app: Any,
    body: RefreshBody,
) -> RefreshResponse | dict[str, Any]:
    """POST /_matrix/client/v3/refresh"""
    raise Unrecognized("refresh")
