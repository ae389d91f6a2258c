"""api-specs/admin/registration.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class RegisterBySharedSecretBody(Struct, kw_only=True):
    nonce: str
    username: str
    password: str
    mac: str
    admin: bool = False
    user_type: str | None = None
    displayname: str | None = None


class GetRegistrationNonceResponse(TypedDict):
    nonce: str


class RegisterBySharedSecretResponse(TypedDict):
    access_token: str
    user_id: str
    home_server: str
    device_id: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_registration_nonce(
        self,
        app: Any,
    ) -> GetRegistrationNonceResponse | dict[str, Any]: ...

    def register_by_shared_secret(
        self,
        app: Any,
        body: RegisterBySharedSecretBody,
    ) -> RegisterBySharedSecretResponse | dict[str, Any]: ...


def get_registration_nonce(
    app: Any,
) -> GetRegistrationNonceResponse | dict[str, Any]:
    """GET /_synapse/admin/v1/register"""
    raise Unrecognized("getRegistrationNonce")


def register_by_shared_secret(
    app: Any,
    body: RegisterBySharedSecretBody,
) -> RegisterBySharedSecretResponse | dict[str, Any]:
    """POST /_synapse/admin/v1/register"""
    raise Unrecognized("registerBySharedSecret")
