"""Registering by a client. C-S API, "Account registration": the flows of this server, then an
account and a session.
"""

import secrets
from collections.abc import Callable
from typing import Any

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import accounts, sessions
from impl.services import user_interactive_auth as ui_auth
from impl.services.accounts import NewUser
from impl.services.sessions import DeviceWish
from impl.storage import accounts as stored

RANDOM_LOCALPART_BYTES = 8


def register(app: App, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Raises Forbidden where registration is closed, and UserAuthenticationRequired until a flow is
    complete.
    """
    if kind == "guest":
        return _register_guest(app, body.get("initial_device_display_name"))
    if not app.config.enable_registration:
        raise errors.Forbidden("registration is not open")
    username = body.get("username")
    if username is not None:
        # COMPAT(Synapse): telephones write names with a capital.
        username = body["username"] = username.lower()
        accounts.check_available(app, username)
    sessions.check_wish(_wish(body))
    # The session is kept in the database, where no password is to lie. Nor need it come again: some
    # clients send it with the first step, some with the last (COMPAT: Synapse takes both).
    password = body.pop("password", None)
    if password is not None:
        body["password_hash"] = accounts.hash_new_password(app, password)

    session = ui_auth.authenticate(app, "register", [_flow(app)], body, may_change=True)

    body = session.body
    localpart = body.get("username") or secrets.token_hex(RANDOM_LOCALPART_BYTES)
    user = accounts.new_user(app, localpart, None, password_hash=body.get("password_hash"))
    return finish(app, user, body, also=lambda txn: ui_auth.use_up(txn, session))


def _register_guest(app: App, device_name: str | None) -> dict[str, Any]:
    while True:
        try:
            return finish(
                app, accounts.new_guest(app), {"initial_device_display_name": device_name}
            )
        except errors.UserInUse:
            continue


def register_for_service(
    app: App, requester: Requester | None, body: dict[str, Any]
) -> dict[str, Any]:
    """An account of an application service's user. Application Service API, "Server admin style
    permissions"."""
    service = sessions.service_of(app, requester)
    username = body.get("username")
    if username is None:
        raise errors.MissingParam("username is missing")
    return finish(app, accounts.new_user_of_service(app, service, username), body)


def finish(
    app: App,
    user: NewUser,
    body: dict[str, Any],
    also: Callable[[Any], object] = lambda txn: None,
) -> dict[str, Any]:
    """The account and, unless it is not wanted, a session: both, or neither. `also` is done in the
    same transaction, before all else.
    """

    def write(txn: Any) -> None:
        also(txn)
        accounts.insert(app, txn, user)

    if not body.get("inhibit_login"):
        return sessions.begin(app, user.user_id, _wish(body), write)
    with app.database.transaction() as txn:
        write(txn)
    return {"user_id": user.user_id, "home_server": app.server_name}


def _wish(body: dict[str, Any]) -> DeviceWish:
    return DeviceWish(
        body.get("device_id"),
        body.get("initial_device_display_name"),
        bool(body.get("refresh_token")),
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
