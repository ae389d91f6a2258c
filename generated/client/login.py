"""api-specs/client-server/login.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class LoginBody(Struct, kw_only=True):
    type: str
    identifier: dict[str, Any] | None = None
    user: str | None = None
    medium: str | None = None
    address: str | None = None
    password: str | None = None
    token: str | None = None
    device_id: str | None = None
    initial_device_display_name: str | None = None
    refresh_token: bool | None = None


class GetLoginFlowsResponse(TypedDict):
    flows: NotRequired[list[GetLoginFlowsResponseFlowsItem]]


class GetLoginFlowsResponseFlowsItem(TypedDict):
    type: str
    get_login_token: NotRequired[bool]


class LoginResponse(TypedDict):
    user_id: str
    access_token: str
    refresh_token: NotRequired[str]
    expires_in_ms: NotRequired[int]
    home_server: NotRequired[str]
    device_id: str
    well_known: NotRequired[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_login_flows(
        self,
        app: Any,
    ) -> GetLoginFlowsResponse | dict[str, Any]: ...

    def login(
        self,
        app: Any,
        requester: Any | None,
        body: LoginBody,
    ) -> LoginResponse | dict[str, Any]: ...


def get_login_flows(
    app: Any,
) -> GetLoginFlowsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/login"""
    raise Unrecognized("getLoginFlows")


def login(
    app: Any,
    requester: Any | None,
    body: LoginBody,
) -> LoginResponse | dict[str, Any]:
    """POST /_matrix/client/v3/login"""
    raise Unrecognized("login")
