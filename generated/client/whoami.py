"""api-specs/client-server/whoami.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetTokenOwnerResponse(TypedDict):
    user_id: str
    device_id: NotRequired[str]
    is_guest: NotRequired[bool]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_token_owner(
        self,
        app: Any,
        requester: Any,
    ) -> GetTokenOwnerResponse | dict[str, Any]: ...


def get_token_owner(
    app: Any,
    requester: Any,
) -> GetTokenOwnerResponse | dict[str, Any]:
    """GET /_matrix/client/v3/account/whoami"""
    raise Unrecognized("getTokenOwner")
