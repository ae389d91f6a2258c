"""api-specs/client-server/password_management.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class ChangePasswordBody(Struct, kw_only=True):
    new_password: str
    logout_devices: bool | None = None
    auth: dict[str, Any] | None = None


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


RequestTokenToResetPasswordEmailBody: TypeAlias = RequestEmailValidation


RequestTokenToResetPasswordMsisdnBody: TypeAlias = RequestMsisdnValidation


class RequestTokenResponseDict(TypedDict):
    sid: str
    submit_url: NotRequired[str]


RequestTokenToResetPasswordEmailResponse: TypeAlias = RequestTokenResponseDict


RequestTokenToResetPasswordMsisdnResponse: TypeAlias = RequestTokenResponseDict


ChangePasswordResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def change_password(
        self,
        app: Any,
        requester: Any | None,
        body: ChangePasswordBody,
    ) -> ChangePasswordResponse | dict[str, Any]: ...

    def request_token_to_reset_password_email(
        self,
        app: Any,
        body: RequestTokenToResetPasswordEmailBody,
    ) -> RequestTokenToResetPasswordEmailResponse | dict[str, Any]: ...

    def request_token_to_reset_password_msisdn(
        self,
        app: Any,
        body: RequestTokenToResetPasswordMsisdnBody,
    ) -> RequestTokenToResetPasswordMsisdnResponse | dict[str, Any]: ...


def change_password(
    app: Any,
    requester: Any | None,
    body: ChangePasswordBody,
) -> ChangePasswordResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/password"""
    raise Unrecognized("changePassword")


def request_token_to_reset_password_email(
    app: Any,
    body: RequestTokenToResetPasswordEmailBody,
) -> RequestTokenToResetPasswordEmailResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/password/email/requestToken"""
    raise Unrecognized("requestTokenToResetPasswordEmail")


def request_token_to_reset_password_msisdn(
    app: Any,
    body: RequestTokenToResetPasswordMsisdnBody,
) -> RequestTokenToResetPasswordMsisdnResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/password/msisdn/requestToken"""
    raise Unrecognized("requestTokenToResetPasswordMSISDN")
