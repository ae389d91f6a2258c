"""api-specs/client-server/appservice_ping.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class PingAppserviceBody(Struct, kw_only=True):
    transaction_id: str | None = None


class PingAppserviceResponse(TypedDict):
    duration_ms: int


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def ping_appservice(
        self,
        app: Any,
        requester: Any,
        appservice_id: str,
        body: PingAppserviceBody,
    ) -> PingAppserviceResponse | dict[str, Any]: ...


def ping_appservice(
    app: Any,
    requester: Any,
    appservice_id: str,
    body: PingAppserviceBody,
) -> PingAppserviceResponse | dict[str, Any]:
    """POST /_matrix/client/v1/appservice/{appserviceId}/ping"""
    raise Unrecognized("pingAppservice")
