"""api-specs/client-server/capabilities.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetCapabilitiesResponse(TypedDict):
    capabilities: dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_capabilities(
        self,
        app: Any,
        requester: Any,
    ) -> GetCapabilitiesResponse | dict[str, Any]: ...


def get_capabilities(
    app: Any,
    requester: Any,
) -> GetCapabilitiesResponse | dict[str, Any]:
    """GET /_matrix/client/v3/capabilities"""
    raise Unrecognized("getCapabilities")
