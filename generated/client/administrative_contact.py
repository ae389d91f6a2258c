"""api-specs/client-server/administrative_contact.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class Add3pidBody(Struct, kw_only=True):
    client_secret: str
    sid: str
    auth: dict[str, Any] | None = None


class Bind3pidBody(Struct, kw_only=True):
    client_secret: str
    id_server: str
    id_access_token: str
    sid: str


class Delete3pidFromAccountBody(Struct, kw_only=True):
    medium: Literal['email', 'msisdn']
    address: str
    id_server: str | None = None


class Post3pidsBody(Struct, kw_only=True):
    three_pid_creds: Post3pidsBodyThreePidCreds


class Post3pidsBodyThreePidCreds(Struct, kw_only=True):
    client_secret: str
    id_server: str
    id_access_token: str
    sid: str


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


RequestTokenTo3pidEmailBody: TypeAlias = RequestEmailValidation


RequestTokenTo3pidMsisdnBody: TypeAlias = RequestMsisdnValidation


class Unbind3pidFromAccountBody(Struct, kw_only=True):
    medium: Literal['email', 'msisdn']
    address: str
    id_server: str | None = None


class Delete3pidFromAccountResponse(TypedDict):
    id_server_unbind_result: Literal['no-support', 'success']


class GetAccount3pidsResponse(TypedDict):
    threepids: NotRequired[list[GetAccount3pidsResponseThreepidsItem]]


class GetAccount3pidsResponseThreepidsItem(TypedDict):
    medium: Literal['email', 'msisdn']
    address: str
    validated_at: int
    added_at: int


class Post3pidsResponse(TypedDict):
    submit_url: NotRequired[str]


class RequestTokenResponseDict(TypedDict):
    sid: str
    submit_url: NotRequired[str]


RequestTokenTo3pidEmailResponse: TypeAlias = RequestTokenResponseDict


RequestTokenTo3pidMsisdnResponse: TypeAlias = RequestTokenResponseDict


class Unbind3pidFromAccountResponse(TypedDict):
    id_server_unbind_result: Literal['no-support', 'success']


Add3pidResponse: TypeAlias = dict[str, Any]


Bind3pidResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_account_3pids(
        self,
        app: Any,
        requester: Any,
    ) -> GetAccount3pidsResponse | dict[str, Any]: ...

    def post_3pids(
        self,
        app: Any,
        requester: Any,
        body: Post3pidsBody,
    ) -> Post3pidsResponse | dict[str, Any]: ...

    def add_3pid(
        self,
        app: Any,
        requester: Any,
        body: Add3pidBody,
    ) -> Add3pidResponse | dict[str, Any]: ...

    def bind_3pid(
        self,
        app: Any,
        requester: Any,
        body: Bind3pidBody,
    ) -> Bind3pidResponse | dict[str, Any]: ...

    def delete_3pid_from_account(
        self,
        app: Any,
        requester: Any,
        body: Delete3pidFromAccountBody,
    ) -> Delete3pidFromAccountResponse | dict[str, Any]: ...

    def unbind_3pid_from_account(
        self,
        app: Any,
        requester: Any,
        body: Unbind3pidFromAccountBody,
    ) -> Unbind3pidFromAccountResponse | dict[str, Any]: ...

    def request_token_to_3pid_email(
        self,
        app: Any,
        body: RequestTokenTo3pidEmailBody,
    ) -> RequestTokenTo3pidEmailResponse | dict[str, Any]: ...

    def request_token_to_3pid_msisdn(
        self,
        app: Any,
        body: RequestTokenTo3pidMsisdnBody,
    ) -> RequestTokenTo3pidMsisdnResponse | dict[str, Any]: ...


def get_account_3pids(
    app: Any,
    requester: Any,
) -> GetAccount3pidsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/account/3pid"""
    raise Unrecognized("getAccount3PIDs")


def post_3pids(
    app: Any,
    requester: Any,
    body: Post3pidsBody,
) -> Post3pidsResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/3pid"""
    raise Unrecognized("post3PIDs")


def add_3pid(
    app: Any,
    requester: Any,
    body: Add3pidBody,
) -> Add3pidResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/3pid/add"""
    raise Unrecognized("add3PID")


def bind_3pid(
    app: Any,
    requester: Any,
    body: Bind3pidBody,
) -> Bind3pidResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/3pid/bind"""
    raise Unrecognized("bind3PID")


def delete_3pid_from_account(
    app: Any,
    requester: Any,
    body: Delete3pidFromAccountBody,
) -> Delete3pidFromAccountResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/3pid/delete"""
    raise Unrecognized("delete3pidFromAccount")


def unbind_3pid_from_account(
    app: Any,
    requester: Any,
    body: Unbind3pidFromAccountBody,
) -> Unbind3pidFromAccountResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/3pid/unbind"""
    raise Unrecognized("unbind3pidFromAccount")


def request_token_to_3pid_email(
    app: Any,
    body: RequestTokenTo3pidEmailBody,
) -> RequestTokenTo3pidEmailResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/3pid/email/requestToken"""
    raise Unrecognized("requestTokenTo3PIDEmail")


def request_token_to_3pid_msisdn(
    app: Any,
    body: RequestTokenTo3pidMsisdnBody,
) -> RequestTokenTo3pidMsisdnResponse | dict[str, Any]:
    """POST /_matrix/client/v3/account/3pid/msisdn/requestToken"""
    raise Unrecognized("requestTokenTo3PIDMSISDN")
