"""api-specs/client-server/policy_server.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetWellknownPolicyResponse(TypedDict):
    public_keys: dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_wellknown_policy(
        self,
        app: Any,
    ) -> GetWellknownPolicyResponse | dict[str, Any]: ...


def get_wellknown_policy(
    app: Any,
) -> GetWellknownPolicyResponse | dict[str, Any]:
    """GET /.well-known/matrix/policy_server"""
    raise Unrecognized("getWellknownPolicy")
