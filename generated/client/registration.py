"""api-specs/client-server/registration.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class CheckUsernameAvailabilityQuery(Struct, kw_only=True):
    username: str


class RegisterBody(Struct, kw_only=True):
    auth: dict[str, Any] | None = None
    username: str | None = None
    password: str | None = None
    device_id: str | None = None
    initial_device_display_name: str | None = None
    inhibit_login: bool | None = None
    refresh_token: bool | None = None
    type: str | None = None


class RegisterQuery(Struct, kw_only=True):
    kind: Literal['guest', 'user'] = 'user'


class RequestEmailValidation(Struct, kw_only=True):
    client_secret: str
    email: str
    send_attempt: int
    next_link: str | None = None
    id_server: str | None = None
    id_access_token: str | None = None


class RequestMsisdnValidation(Struct, kw_only=True):
    client_secret: str
    country: str
    phone_number: str
    send_attempt: int
    next_link: str | None = None
    id_server: str | None = None
    id_access_token: str | None = None


RequestTokenToRegisterEmailBody: TypeAlias = RequestEmailValidation


RequestTokenToRegisterMsisdnBody: TypeAlias = RequestMsisdnValidation


class CheckUsernameAvailabilityResponse(TypedDict):
    available: NotRequired[bool]


class RegisterResponse(TypedDict):
    user_id: str
    access_token: NotRequired[str]
    refresh_token: NotRequired[str]
    expires_in_ms: NotRequired[int]
    home_server: NotRequired[str]
    device_id: NotRequired[str]


class RequestTokenResponseDict(TypedDict):
    sid: str
    submit_url: NotRequired[str]


RequestTokenToRegisterEmailResponse: TypeAlias = RequestTokenResponseDict


RequestTokenToRegisterMsisdnResponse: TypeAlias = RequestTokenResponseDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def register(
        self,
        app: Any,
        requester: Any | None,
        query: RegisterQuery,
        body: RegisterBody,
    ) -> RegisterResponse | dict[str, Any]: ...

    def request_token_to_register_email(
        self,
        app: Any,
        body: RequestTokenToRegisterEmailBody,
    ) -> RequestTokenToRegisterEmailResponse | dict[str, Any]: ...

    def request_token_to_register_msisdn(
        self,
        app: Any,
        body: RequestTokenToRegisterMsisdnBody,
    ) -> RequestTokenToRegisterMsisdnResponse | dict[str, Any]: ...

    def check_username_availability(
        self,
        app: Any,
        query: CheckUsernameAvailabilityQuery,
    ) -> CheckUsernameAvailabilityResponse | dict[str, Any]: ...


def register(
    app: Any,
    requester: Any | None,
    query: RegisterQuery,
    body: RegisterBody,
) -> RegisterResponse | dict[str, Any]:
    """POST /_matrix/client/v3/register"""
    raise Unrecognized("register")


def request_token_to_register_email(
    app: Any,
    body: RequestTokenToRegisterEmailBody,
) -> RequestTokenToRegisterEmailResponse | dict[str, Any]:
    """POST /_matrix/client/v3/register/email/requestToken"""
    raise Unrecognized("requestTokenToRegisterEmail")


def request_token_to_register_msisdn(
    app: Any,
    body: RequestTokenToRegisterMsisdnBody,
) -> RequestTokenToRegisterMsisdnResponse | dict[str, Any]:
    """POST /_matrix/client/v3/register/msisdn/requestToken"""
    raise Unrecognized("requestTokenToRegisterMSISDN")


def check_username_availability(
    app: Any,
    query: CheckUsernameAvailabilityQuery,
) -> CheckUsernameAvailabilityResponse | dict[str, Any]:
    """GET /_matrix/client/v3/register/available"""
    raise Unrecognized("checkUsernameAvailability")
