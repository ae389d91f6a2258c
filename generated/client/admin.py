"""api-specs/client-server/admin.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class SetAdminLockUserBody(Struct, kw_only=True):
    locked: bool


class SetAdminSuspendUserBody(Struct, kw_only=True):
    suspended: bool


class GetAdminLockUserResponse(TypedDict):
    locked: bool


class GetAdminSuspendUserResponse(TypedDict):
    suspended: bool


class GetWhoIsResponse(TypedDict):
    user_id: NotRequired[str]
    devices: NotRequired[dict[str, GetWhoIsResponseDevicesValue]]


class GetWhoIsResponseDevicesValue(TypedDict):
    sessions: NotRequired[list[GetWhoIsResponseDevicesValueSessionsItem]]


class GetWhoIsResponseDevicesValueSessionsItem(TypedDict):
    connections: NotRequired[list[GetWhoIsResponseDevicesValueSessionsItemConnectionsItem]]


class GetWhoIsResponseDevicesValueSessionsItemConnectionsItem(TypedDict):
    ip: NotRequired[str]
    last_seen: NotRequired[int]
    user_agent: NotRequired[str]


class SetAdminLockUserResponse(TypedDict):
    locked: bool


class SetAdminSuspendUserResponse(TypedDict):
    suspended: bool


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_who_is(
        self,
        app: Any,
        requester: Any,
        user_id: str,
    ) -> GetWhoIsResponse | dict[str, Any]: ...

    def get_admin_suspend_user(
        self,
        app: Any,
        requester: Any,
        user_id: str,
    ) -> GetAdminSuspendUserResponse | dict[str, Any]: ...

    def set_admin_suspend_user(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        body: SetAdminSuspendUserBody,
    ) -> SetAdminSuspendUserResponse | dict[str, Any]: ...

    def get_admin_lock_user(
        self,
        app: Any,
        requester: Any,
        user_id: str,
    ) -> GetAdminLockUserResponse | dict[str, Any]: ...

    def set_admin_lock_user(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        body: SetAdminLockUserBody,
    ) -> SetAdminLockUserResponse | dict[str, Any]: ...


def get_who_is(
    app: Any,
    requester: Any,
    user_id: str,
) -> GetWhoIsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/admin/whois/{userId}"""
    raise Unrecognized("getWhoIs")


def get_admin_suspend_user(
    app: Any,
    requester: Any,
    user_id: str,
) -> GetAdminSuspendUserResponse | dict[str, Any]:
    """GET /_matrix/client/v1/admin/suspend/{userId}"""
    raise Unrecognized("getAdminSuspendUser")


def set_admin_suspend_user(
    app: Any,
    requester: Any,
    user_id: str,
    body: SetAdminSuspendUserBody,
) -> SetAdminSuspendUserResponse | dict[str, Any]:
    """PUT /_matrix/client/v1/admin/suspend/{userId}"""
    raise Unrecognized("setAdminSuspendUser")


def get_admin_lock_user(
    app: Any,
    requester: Any,
    user_id: str,
) -> GetAdminLockUserResponse | dict[str, Any]:
    """GET /_matrix/client/v1/admin/lock/{userId}"""
    raise Unrecognized("getAdminLockUser")


def set_admin_lock_user(
    app: Any,
    requester: Any,
    user_id: str,
    body: SetAdminLockUserBody,
) -> SetAdminLockUserResponse | dict[str, Any]:
    """PUT /_matrix/client/v1/admin/lock/{userId}"""
    raise Unrecognized("setAdminLockUser")
