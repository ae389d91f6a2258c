"""api-specs/admin/registration.yaml"""

from typing import Any

from generated.admin.registration import RegisterBySharedSecretBody
from impl.app import App
from impl.services import accounts, registration


def get_registration_nonce(app: App) -> dict[str, Any]:
    return {"nonce": accounts.new_nonce(app)}


def register_by_shared_secret(app: App, body: RegisterBySharedSecretBody) -> dict[str, Any]:
    signed = [body.username, body.password, "admin" if body.admin else "notadmin"]
    if body.user_type is not None:
        signed.append(body.user_type)
    accounts.check_shared_secret(app, body.nonce, body.mac, *signed)
    user = accounts.new_user(
        app,
        body.username.lower(),
        body.password,
        is_admin=bool(body.admin),
        display_name=body.displayname,
    )
    return registration.finish(app, user, {})
