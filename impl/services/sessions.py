"""Log in, refresh, log out. C-S API, "Login", "Refreshing access tokens", "Logging out".

Tokens are random; the database has their SHA-256 only. A token that was revoked must not work a moment longer in
any worker, so whatever deletes one counts it on the workers' page before it answers.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.services import passwords
from impl.storage import accounts, devices

DEVICE_ID_LETTERS = 10
DEVICE_ID_MAX = 255
DISPLAY_NAME_MAX = 100
PASSWORD = "m.login.password"


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """What a client asks of the device it logs in with."""

    device_id: str | None = None
    display_name: str | None = None
    has_refresh_token: bool = False


def login_types(app: App) -> list[str]:
    """What POST /login takes here."""
    return [PASSWORD] if app.config.password_config.may_log_in else []


def token_hash(token: str) -> bytes:
    """What the database knows a token by."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def log_in_with_password(
    app: App,
    identifier: dict[str, Any] | None,
    user: str | None,
    password: str | None,
    wish: DeviceWish,
) -> dict[str, Any]:
    """A session for who knows the password. Raises Forbidden, which does not say what was wrong."""
    if not app.config.password_config.may_log_in:
        raise errors.Forbidden("this server has no login by password")
    user_id = _user_id_of(app, identifier, user)
    if password is None:
        raise errors.MissingParam("password is missing")
    check_password(app, user_id, password)
    return begin(app, user_id, wish)


def check_password(app: App, user_id: str, password: str) -> None:
    """Raises Forbidden, or UserDeactivated for who knows the right password of an account that has ended."""
    with app.database.read() as txn:
        account = accounts.get(txn, user_id)
    is_right = passwords.is_right(app, password, account.password_hash if account else None)
    if account is not None and account.is_deactivated:
        raise errors.UserDeactivated("this account has been deactivated")
    if not is_right:
        raise errors.Forbidden("the user or the password is wrong")


def begin(app: App, user_id: str, wish: DeviceWish) -> dict[str, Any]:
    """A new session on a device, new or given; the tokens that the device had before are void."""
    device_id = wish.device_id
    if device_id is None:
        letters = string.ascii_uppercase
        device_id = "".join(secrets.choice(letters) for _ in range(DEVICE_ID_LETTERS))
    _check_device(device_id, wish.display_name)
    with app.database.transaction() as txn:
        devices.put(txn, user_id, device_id, wish.display_name, app.now_ms())
        if wish.device_id is not None:
            accounts.delete_tokens(txn, user_id, device_id)
        tokens = _issue(app, txn, user_id, device_id, is_refreshable=wish.has_refresh_token)
    if wish.device_id is not None:
        app.page.revoke()
    return {
        "user_id": user_id,
        "device_id": device_id,
        "home_server": app.server_name,
        **tokens,
    }


def refresh(app: App, refresh_token: str) -> dict[str, Any]:
    """New tokens for an old refresh token. The old one works until the new one is used, since the answer may get lost."""
    digest = token_hash(refresh_token)
    now_ms = app.now_ms()
    with app.database.transaction() as txn:
        old = accounts.lock_refresh_token(txn, digest)
        if old is None or (old.expires_ts is not None and old.expires_ts <= now_ms):
            raise errors.UnknownToken("the refresh token is unknown or has expired")
        if old.successor_hash is not None:
            # Used before, and the answer was lost: what it gave is void.
            accounts.delete_refresh_token(txn, old.successor_hash)
        accounts.delete_access_tokens(txn, old.user_id, old.device_id)
        tokens = _issue(app, txn, old.user_id, old.device_id, is_refreshable=True)
        accounts.put_successor(txn, digest, token_hash(tokens["refresh_token"]))
    app.page.revoke()
    return tokens


def log_out(app: App, requester: Requester) -> None:
    """End the session: the device goes with its tokens."""
    if requester.device_id is None:
        raise errors.Forbidden("there is no device to log out")
    with app.database.transaction() as txn:
        devices.delete(txn, requester.user_id, [requester.device_id])
    app.page.revoke()


def log_out_all(app: App, requester: Requester) -> None:
    """End all of the user's sessions."""
    with app.database.transaction() as txn:
        devices.delete_all(txn, requester.user_id)
    app.page.revoke()


def _issue(
    app: App, txn: Any, user_id: str, device_id: str, *, is_refreshable: bool
) -> dict[str, Any]:
    config, now_ms = app.config, app.now_ms()
    lifetime = config.nonrefreshable_access_token_lifetime
    is_refreshable = is_refreshable and config.refreshable_access_token_lifetime is not None
    if is_refreshable:
        lifetime = config.refreshable_access_token_lifetime
    elif lifetime is None:
        lifetime = config.session_lifetime
    access_token = "soma_" + secrets.token_urlsafe(32)
    expires_ts = None if lifetime is None else now_ms + lifetime
    accounts.insert_access_token(
        txn, token_hash(access_token), user_id, device_id, now_ms, expires_ts
    )
    tokens: dict[str, Any] = {"access_token": access_token}
    if lifetime is not None:
        tokens["expires_in_ms"] = lifetime
    if is_refreshable:
        refresh_token = "somr_" + secrets.token_urlsafe(32)
        ends = config.refresh_token_lifetime
        accounts.insert_refresh_token(
            txn,
            token_hash(refresh_token),
            user_id,
            device_id,
            now_ms,
            None if ends is None else now_ms + ends,
        )
        tokens["refresh_token"] = refresh_token
    return tokens


def _user_id_of(app: App, identifier: dict[str, Any] | None, user: str | None) -> str:
    # C-S API, "Identifier types"; `user` by itself is the form of old.
    if identifier is None:
        identifier = {"type": "m.id.user", "user": user}
    kind = identifier.get("type")
    if kind != "m.id.user":
        raise errors.Unknown("identifier.type is not m.id.user, the one this server takes")
    name = identifier.get("user")
    if not isinstance(name, str):
        raise errors.MissingParam("identifier.user is missing")
    user_id = name if name.startswith("@") else f"@{name}:{app.server_name}"
    if not identifiers.is_user_id(user_id):
        raise errors.Forbidden("the user or the password is wrong")
    return user_id


def _check_device(device_id: str, display_name: str | None) -> None:
    if not device_id or len(device_id) > DEVICE_ID_MAX or "\0" in device_id:
        raise errors.InvalidParam(f"device_id is not of 1 to {DEVICE_ID_MAX} characters")
    check_display_name(display_name)


def check_display_name(display_name: str | None) -> None:
    """Raises InvalidParam for a device's name that is too long."""
    if display_name is not None and (len(display_name) > DISPLAY_NAME_MAX or "\0" in display_name):
        raise errors.InvalidParam(f"display_name is longer than {DISPLAY_NAME_MAX} characters")
