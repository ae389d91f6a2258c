"""api-specs/server-server/room_policy.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


AskPolicyServerToSignBody: TypeAlias = dict[str, Any]


AskPolicyServerToSignResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def ask_policy_server_to_sign(
        self,
        app: Any,
        origin: str,
        body: dict[str, Any],
    ) -> AskPolicyServerToSignResponse | dict[str, Any]: ...


def ask_policy_server_to_sign(
    app: Any,
    origin: str,
    body: dict[str, Any],
) -> AskPolicyServerToSignResponse | dict[str, Any]:
    """POST /_matrix/policy/v1/sign"""
    raise Unrecognized("askPolicyServerToSign")
