"""Log in, refresh, log out. C-S API, "Login", "Refreshing access tokens", "Logging out".

Tokens are random; the database has their SHA-256 only. A token that was revoked must not work a
moment longer in any worker, so whatever deletes one counts it on the workers' page before it
answers."""

import hashlib
import secrets
import string
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from impl import errors
from impl.app import App
from impl.config.application_services import ApplicationService
from impl.core import identifiers, signed_keys
from impl.requester import Requester
from impl.services import device_removal, passwords, rate_limiting
from impl.storage import accounts, cross_signing, devices, idempotency
from impl.storage.accounts import Account

DEVICE_ID_LETTERS = 10
DEVICE_ID_MAX = 255
DISPLAY_NAME_MAX = 100
PASSWORD = "m.login.password"
APPLICATION_SERVICE = "m.login.application_service"


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """What a client asks of the device it logs in with."""

    device_id: str | None = None
    display_name: str | None = None
    has_refresh_token: bool = False


def login_types(app: App) -> list[str]:
    """What POST /login takes here."""
    types = [PASSWORD] if app.config.password_config.may_log_in else []
    return [*types, APPLICATION_SERVICE]


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
    account = check_password(app, user_id, password)
    rate_limiting.spend(app, "rc_login_account", account.user_id)

    def check_again(txn: Any) -> None:
        # Who changes the password now waits for this, and then finds the session; or has changed it
        # already, and there is none.
        if accounts.lock(txn, account.user_id) != account.password_hash:
            raise errors.Forbidden("the user or the password is wrong")

    return begin(app, account.user_id, wish, check_again)


def log_in_for_service(
    app: App,
    service: ApplicationService,
    identifier: dict[str, Any] | None,
    user: str | None,
    wish: DeviceWish,
) -> dict[str, Any]:
    """A session for an application service's user. Application Service API, "Server admin style
    permissions".
    """
    user_id = _user_id_of(app, identifier, user)
    own_user_id = f"@{service.sender_localpart}:{app.server_name}"
    if user_id != own_user_id and not service.is_interested_in("users", user_id):
        raise errors.Exclusive("the user is not in the application service's namespaces")
    with app.database.read() as txn:
        account = accounts.get(txn, user_id)
    if account is None:
        raise errors.Forbidden("there is no such user")
    if account.is_deactivated:
        raise errors.UserDeactivated("this account has been deactivated")
    if account.is_locked:
        raise errors.UserLocked
    return begin(app, user_id, wish)


def service_of(app: App, requester: Requester | None) -> ApplicationService:
    """The application service whose own token came with a request."""
    if requester is None:
        raise errors.MissingToken("the token of an application service is missing")
    for service in app.config.application_services:
        # Who has a token of a session's is a user, if an application service's one.
        if service.id == requester.appservice_id and not requester.access_token_hash:
            return service
    raise errors.UnknownToken("the access token is not an application service's")


def service_that_logs_in(app: App, requester: Requester | None) -> ApplicationService:
    """The same for a login. C-S API, "Appservice Login": somebody else's token is M_FORBIDDEN."""
    try:
        return service_of(app, requester)
    except errors.UnknownToken as error:
        raise errors.Forbidden(error.message) from error


def check_password(app: App, user_id: str, password: str) -> Account:
    """The account whose password it is. Raises Forbidden, UserDeactivated for one that has ended,
    and LimitExceeded after too many failures.
    """
    key = user_id.lower()
    rate_limiting.check(app, "rc_login_failed_attempts", key)
    account = _find_account(app, user_id)
    password_hash = account.password_hash if account else None
    is_right = passwords.is_right(app, password, password_hash)
    if account is not None and account.is_deactivated:
        raise errors.UserDeactivated("this account has been deactivated")
    if account is None or password_hash is None or not is_right:
        with suppress(errors.LimitExceeded):
            rate_limiting.spend(app, "rc_login_failed_attempts", key)
        raise errors.Forbidden("the user or the password is wrong")
    if account.is_locked:
        # Only whoever knows the password is told.
        raise errors.UserLocked
    if passwords.needs_new_hash(password_hash):
        new_hash = passwords.hash_password(app, password)
        with app.database.transaction() as txn:
            is_mine = accounts.replace_password_hash(txn, account.user_id, password_hash, new_hash)
        if not is_mine:
            # Another login has done the same, or the password is another now.
            return check_password(app, user_id, password)
        return replace(account, password_hash=new_hash)
    return account


def begin(
    app: App, user_id: str, wish: DeviceWish, before: Callable[[Any], object] = lambda txn: None
) -> dict[str, Any]:
    """A new session on a device, new or given; the tokens that the device had before are void.
    `before` is done first, in the same transaction.
    """
    check_wish(wish)
    device_id = wish.device_id
    if device_id is None:
        letters = string.ascii_uppercase
        device_id = "".join(secrets.choice(letters) for _ in range(DEVICE_ID_LETTERS))
    lifetime = app.config.session_lifetime
    ends_ts = None if lifetime is None else app.now_ms() + lifetime
    with app.database.transaction() as txn:
        before(txn)
        is_new = devices.put(txn, user_id, device_id, wish.display_name, app.now_ms())
        if is_new and wish.device_id is not None:
            # C-S API, "Transaction identifiers": those of a device that was logged out are free.
            idempotency.delete_of_device(txn, user_id, device_id)
        if is_new:
            check_is_no_key(txn, user_id, device_id)
        devices.put_proved(txn, user_id, device_id, app.now_ms())
        if wish.device_id is not None:
            accounts.delete_tokens(txn, user_id, device_id)
        if wish.has_refresh_token and app.config.refreshable_access_token_lifetime is not None:
            tokens = _issue_refreshable(app, txn, user_id, device_id, ends_ts)
        else:
            tokens = _issue(app, txn, user_id, device_id, ends_ts)
    if wish.device_id is not None:
        app.page.revoke()
        if is_new:
            # One of this name may have had keys.
            app.page.move_keys()
    return {
        "user_id": user_id,
        "device_id": device_id,
        "home_server": app.server_name,
        **tokens,
    }


def refresh(app: App, refresh_token: str) -> dict[str, Any]:
    """New tokens for an old refresh token. The old one works until a new one is used, since the
    answer may get lost.
    """
    digest = token_hash(refresh_token)
    now_ms = app.now_ms()
    with app.database.transaction() as txn:
        old = accounts.lock_refresh_token(txn, digest)
        if old is None:
            raise errors.UnknownToken("the refresh token is unknown")
        if old.is_locked:
            raise errors.UserLocked
        if old.expires_ts is not None and old.expires_ts <= now_ms:
            # The device is still there: who logs in again keeps it.
            raise errors.UnknownToken("the refresh token has expired", soft_logout=True)
        if old.successor_hash is not None:
            # Used before, and the answer was lost: what it gave is void.
            accounts.delete_refresh_token(txn, old.successor_hash)
        accounts.delete_access_tokens(txn, old.user_id, old.device_id)
        tokens = _issue_refreshable(app, txn, old.user_id, old.device_id, old.session_ends_ts)
        accounts.put_successor(txn, digest, token_hash(tokens["refresh_token"]))
    app.page.revoke()
    return tokens


def log_out(app: App, requester: Requester) -> None:
    """End the session: the device goes with its tokens."""
    if requester.device_id is None:
        raise errors.Forbidden("there is no device to log out")
    with app.database.transaction() as txn:
        device_removal.remove(app, txn, requester.user_id, [requester.device_id])
    app.page.revoke()


def log_out_all(app: App, requester: Requester) -> None:
    """End all of the user's sessions."""
    with app.database.transaction() as txn:
        device_removal.remove(app, txn, requester.user_id)
    app.page.revoke()


def _issue(app: App, txn: Any, user_id: str, device_id: str, ends_ts: int | None) -> dict[str, Any]:
    now_ms = app.now_ms()
    expires_ts = _end(now_ms, app.config.nonrefreshable_access_token_lifetime, ends_ts)
    return _add_access_token(app, txn, user_id, device_id, expires_ts)


def _issue_refreshable(
    app: App, txn: Any, user_id: str, device_id: str, ends_ts: int | None
) -> dict[str, Any]:
    config, now_ms = app.config, app.now_ms()
    refresh_token = "somr_" + secrets.token_urlsafe(32)
    digest = token_hash(refresh_token)
    accounts.insert_refresh_token(
        txn,
        digest,
        user_id,
        device_id,
        now_ms,
        _end(now_ms, config.refresh_token_lifetime, ends_ts),
        ends_ts,
    )
    expires_ts = _end(now_ms, config.refreshable_access_token_lifetime, ends_ts)
    tokens = _add_access_token(app, txn, user_id, device_id, expires_ts, digest)
    return {**tokens, "refresh_token": refresh_token}


def _end(now_ms: int, lifetime: int | None, ends_ts: int | None) -> int | None:
    ends = [one for one in (ends_ts, None if lifetime is None else now_ms + lifetime) if one]
    return min(ends, default=None)


def _add_access_token(
    app: App,
    txn: Any,
    user_id: str,
    device_id: str,
    expires_ts: int | None,
    refresh_token_hash: bytes | None = None,
) -> dict[str, Any]:
    access_token = "soma_" + secrets.token_urlsafe(32)
    digest, now_ms = token_hash(access_token), app.now_ms()
    accounts.insert_access_token(
        txn, digest, user_id, device_id, now_ms, expires_ts, refresh_token_hash
    )
    tokens: dict[str, Any] = {"access_token": access_token}
    if expires_ts is not None:
        tokens["expires_in_ms"] = max(expires_ts - now_ms, 0)
    return tokens


def _find_account(app: App, user_id: str) -> Account | None:
    with app.database.read() as txn:
        account = accounts.get(txn, user_id)
        if account is None and user_id != user_id.lower():
            # Telephones write names with a capital.
            account = accounts.get(txn, user_id.lower())
    return account


def _user_id_of(app: App, identifier: dict[str, Any] | None, user: str | None) -> str:
    # C-S API, "Identifier types"; `user` by itself is the form of old.
    if identifier is None:
        identifier = {"type": "m.id.user", "user": user}
    kind = identifier.get("type")
    if kind in ("m.id.thirdparty", "m.id.phone"):
        # C-S API, "Login": the answer to an address that is not known, as here none is.
        raise errors.Forbidden("the user or the password is wrong")
    if kind != "m.id.user":
        raise errors.Unknown("identifier.type is not m.id.user, the one this server takes")
    name = identifier.get("user")
    if not isinstance(name, str):
        raise errors.MissingParam("identifier.user is missing")
    user_id = name if name.startswith("@") else f"@{name}:{app.server_name}"
    if not identifiers.is_user_id(user_id):
        raise errors.Forbidden("the user or the password is wrong")
    return user_id


def check_wish(wish: DeviceWish) -> None:
    """Raises InvalidParam for a device that cannot be."""
    check_device("NEW" if wish.device_id is None else wish.device_id, wish.display_name)


def check_device(device_id: str, display_name: str | None) -> None:
    """Raises InvalidParam for what cannot be a device's id or name."""
    if not device_id or len(device_id) > DEVICE_ID_MAX or "\0" in device_id:
        raise errors.InvalidParam(f"device_id is not of 1 to {DEVICE_ID_MAX} characters")
    if display_name is not None and (len(display_name) > DISPLAY_NAME_MAX or "\0" in display_name):
        raise errors.InvalidParam(f"display_name is longer than {DISPLAY_NAME_MAX} characters")


def check_is_no_key(txn: Any, user_id: str, device_id: str) -> None:
    """Raises Forbidden where a new device would have the name of one of its user's cross-signing
    keys: by its name nobody could tell which of the two has signed something. C-S API, "Key and
    signature security".
    """
    # Most names are too short for a key.
    if signed_keys.read_public_key(device_id) is None:
        return
    if cross_signing.exists(txn, user_id, device_id):
        raise errors.Forbidden("device_id is the name of one of the user's keys")
