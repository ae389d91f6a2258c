"""api-specs/unstable/federation_whitelist.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetFederationWhitelistResponse(TypedDict):
    whitelist_enabled: bool
    whitelist: list[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_federation_whitelist(
        self,
        app: Any,
        requester: Any,
    ) -> GetFederationWhitelistResponse | dict[str, Any]: ...


def get_federation_whitelist(
    app: Any,
    requester: Any,
) -> GetFederationWhitelistResponse | dict[str, Any]:
    """GET /_synapse/client/v1/config/federation_whitelist"""
    raise Unrecognized("getFederationWhitelist")
