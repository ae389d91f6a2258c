"""Registering by a client. C-S API, "Account registration": the flows of this server, then an account and a session."""

import secrets
from typing import Any

from impl import errors
from impl.app import App
from impl.services import accounts, sessions
from impl.services import user_interactive_auth as ui_auth
from impl.services.sessions import DeviceWish
from impl.storage import accounts as stored

RANDOM_LOCALPART_BYTES = 8


def register(app: App, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Raises Forbidden where registration is closed, and UserAuthenticationRequired until a flow is complete."""
    if kind == "guest":
        return sessions.begin(app, accounts.new_guest(app), DeviceWish())
    config = app.config
    if not config.enable_registration:
        raise errors.Forbidden("registration is not open")
    username = body.get("username")
    if username is not None:
        accounts.check_available(app, username)
    if body.get("password") is not None:
        accounts.check_password(app, body["password"])

    # The session is kept in the database: a password is not to lie there, but to come again.
    password = body.pop("password", None)
    body["has_password"] = password is not None
    body = ui_auth.authenticate(app, "register", [_flow(app)], body)

    localpart = body.get("username") or secrets.token_hex(RANDOM_LOCALPART_BYTES)
    user_id = accounts.register_user(app, localpart, password)
    if body.get("inhibit_login"):
        return {"user_id": user_id, "home_server": app.server_name}
    return sessions.begin(
        app,
        user_id,
        DeviceWish(
            body.get("device_id"),
            body.get("initial_device_display_name"),
            bool(body.get("refresh_token")),
        ),
    )


def is_token_valid(app: App, token: str) -> bool:
    """C-S API, "Token-authenticated registration"."""
    if not app.config.enable_registration or not app.config.registration_requires_token:
        raise errors.Forbidden("this server does not register by token")
    if "\0" in token:
        return False
    with app.database.read() as txn:
        return stored.is_registration_token_valid(txn, token, app.now_ms())


def _flow(app: App) -> list[str]:
    return [ui_auth.REGISTRATION_TOKEN if app.config.registration_requires_token else ui_auth.DUMMY]
