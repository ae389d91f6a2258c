"""api-specs/client-server/account_deactivation.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class DeactivateAccountBody(Struct, kw_only=True):
    auth: dict[str, Any] | None = None
    id_server: str | None = None
    erase: bool | None = None


class DeactivateAccountResponse(TypedDict):
    id_server_unbind_result: Literal['success', 'no-support']


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def deactivate_account(
        self,
        app: Any,
        requester: Any | None,
        body: DeactivateAccountBody,
    ) -> DeactivateAccountResponse | dict[str, Any]: ...


def deactivate_account(
    app: Any,
    requester: Any | None,
    body: DeactivateAccountBody,
) -> DeactivateAccountResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/deactivate"""
    raise Unrecognized("deactivateAccount")
