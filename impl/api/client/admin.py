"""api-specs/client-server/admin.yaml"""

from typing import Any

from generated.client.admin import (
    GetAdminLockUserResponse,
    GetAdminSuspendUserResponse,
    SetAdminLockUserBody,
    SetAdminLockUserResponse,
    SetAdminSuspendUserBody,
    SetAdminSuspendUserResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import account_moderation


def get_who_is(app: App, requester: Requester, user_id: str) -> dict[str, Any]:
    return account_moderation.whois(app, requester, user_id)


def get_admin_lock_user(app: App, requester: Requester, user_id: str) -> GetAdminLockUserResponse:
    return {"locked": account_moderation.is_locked(app, requester, user_id)}


def set_admin_lock_user(
    app: App, requester: Requester, user_id: str, body: SetAdminLockUserBody
) -> SetAdminLockUserResponse:
    account_moderation.set_locked(app, requester, user_id, body.locked)
    return {"locked": body.locked}


def get_admin_suspend_user(
    app: App, requester: Requester, user_id: str
) -> GetAdminSuspendUserResponse:
    return {"suspended": account_moderation.is_suspended(app, requester, user_id)}


def set_admin_suspend_user(
    app: App, requester: Requester, user_id: str, body: SetAdminSuspendUserBody
) -> SetAdminSuspendUserResponse:
    account_moderation.set_suspended(app, requester, user_id, body.suspended)
    return {"suspended": body.suspended}
