"""Accounts: register, change the password, deactivate. C-S API, "Account registration and
management".
"""

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.config.application_services import ApplicationService
from impl.core import identifiers
from impl.requester import Requester
from impl.services import device_removal, membership, passwords, profiles, push_rules
from impl.storage import (
    account_data,
    accounts,
    cross_signing,
    device_lists,
    devices,
    ignored_users,
    key_backups,
    memberships,
)
from impl.storage import presence as stored_presence
from impl.storage import profiles as stored_profiles
from impl.storage import push_rules as stored_push_rules
from impl.storage.accounts import Account

NONCE_MS = 60_000
GUEST_LOCALPART_DIGITS = 12

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account that may be made, and is not yet: `insert` does it."""

    account: Account
    display_name: str

    @property
    def user_id(self) -> str:
        return self.account.user_id


def user_id_for(app: App, localpart: str) -> str:
    """The user id of a new account. Raises InvalidUsername for what the grammar does not allow."""
    user_id = f"@{localpart}:{app.server_name}"
    if not identifiers.is_new_localpart(localpart):
        raise errors.InvalidUsername("username may hold a-z, 0-9 and the characters . _ = - / +")
    if len(user_id) > identifiers.BYTES_MAX:
        raise errors.InvalidUsername("username is too long")
    return user_id


def check_for_people(localpart: str) -> None:
    """Raises InvalidUsername for names that are kept for application services and for guests."""
    if localpart.startswith("_"):
        raise errors.InvalidUsername("username begins with _, which is for application services")
    if localpart.isdigit():
        raise errors.InvalidUsername("username is a number, which is for guests")


def check_available(app: App, localpart: str) -> None:
    """Raises InvalidUsername, UserInUse or Exclusive for a name that a person cannot register."""
    user_id = user_id_for(app, localpart)
    check_for_people(localpart)
    for service in app.config.application_services:
        if service.owns("users", user_id):
            raise errors.Exclusive("username belongs to an application service")
    if app.config.inhibit_user_in_use_error:
        return
    with app.database.read() as txn:
        if accounts.get(txn, user_id) is not None:
            raise errors.UserInUse("username is taken")


def new_user(
    app: App,
    localpart: str,
    password: str | None,
    *,
    password_hash: str | None = None,
    is_admin: bool = False,
    is_guest: bool = False,
    display_name: str | None = None,
    appservice_id: str | None = None,
) -> NewUser:
    """Check what an account is to be, and hash its password, unless it is hashed. Raises
    InvalidUsername, InvalidParam and WeakPassword.
    """
    user_id = user_id_for(app, localpart)
    if appservice_id is None and not is_guest:
        check_for_people(localpart)
    if display_name is not None:
        profiles.check_text("displayname", display_name)
    if password is not None:
        password_hash = hash_new_password(app, password)
    account = Account(user_id, password_hash, is_admin, is_guest, False, appservice_id)
    return NewUser(account, display_name or localpart)


def insert(app: App, txn: Any, user: NewUser) -> None:
    """Make the account. Raises UserInUse."""
    if not accounts.insert(txn, user.account, app.now_ms()):
        raise errors.UserInUse("username is taken")
    stored_profiles.put(txn, user.user_id, "displayname", user.display_name)
    push_rules.put_account_data(txn, user.user_id, {})


def register_user(app: App, localpart: str, password: str | None, **more: Any) -> str:
    """Make an account without a session and return its user id. `more` and what is raised: as
    `new_user`, and UserInUse.
    """
    user = new_user(app, localpart, password, **more)
    with app.database.transaction() as txn:
        insert(app, txn, user)
    return user.user_id


def new_user_of_service(app: App, service: ApplicationService, localpart: str) -> NewUser:
    """A user of an application service. Application Service API, "Server admin style
    permissions".
    """
    user_id = user_id_for(app, localpart)
    if localpart != service.sender_localpart:
        if not service.is_interested_in("users", user_id):
            raise errors.Exclusive("username is not in the application service's namespaces")
        if any(
            other.owns("users", user_id)
            for other in app.config.application_services
            if other.id != service.id
        ):
            raise errors.Exclusive("username belongs to another application service")
    return new_user(app, localpart, None, appservice_id=service.id)


def new_guest(app: App) -> NewUser:
    """A guest. C-S API, "Guest Access"."""
    if not app.config.allow_guest_access:
        raise errors.GuestAccessForbidden("this server has no guests")
    localpart = "".join(secrets.choice("0123456789") for _ in range(GUEST_LOCALPART_DIGITS))
    return new_user(app, localpart, None, is_guest=True)


def hash_new_password(app: App, password: str) -> str:
    """What is kept of a password. Raises as `check_password`."""
    check_password(app, password)
    return passwords.hash_password(app, password)


def check_password(app: App, password: str) -> None:
    """Raises WeakPassword for what the server's policy does not allow, InvalidParam for what is too
    long.
    """
    policy = app.config.password_config.policy
    if not password:
        raise errors.WeakPassword("password is empty")
    if len(password.encode(errors="surrogatepass")) > passwords.PASSWORD_BYTES_MAX:
        raise errors.InvalidParam(f"password is longer than {passwords.PASSWORD_BYTES_MAX} bytes")
    if not policy.enabled:
        return
    if len(password) < policy.minimum_length:
        raise errors.WeakPassword(f"password is shorter than {policy.minimum_length} characters")
    wanted = (
        (policy.require_digit, str.isdigit, "a digit"),
        (policy.require_lowercase, str.islower, "a lower-case letter"),
        (policy.require_uppercase, str.isupper, "an upper-case letter"),
        (policy.require_symbol, lambda letter: not letter.isalnum(), "a symbol"),
    )
    for is_required, is_one, name in wanted:
        if is_required and not any(map(is_one, password)):
            raise errors.WeakPassword(f"password needs {name}")


def check_may_change_password(app: App) -> None:
    """Raises Forbidden where the passwords are not this server's, as the capability says."""
    if not app.config.password_config.may_log_in:
        raise errors.Forbidden("this server has no login by password")


def change_password(
    app: App, requester: Requester, new_password: str, *, logout_devices: bool
) -> None:
    """C-S API, "Password management": the other devices are logged out unless the client says
    otherwise.
    """
    password_hash = hash_new_password(app, new_password)
    with app.database.transaction() as txn:
        accounts.put_password_hash(txn, requester.user_id, password_hash)
        if logout_devices:
            others = [
                device.device_id
                for device in devices.list_of_user(txn, requester.user_id)
                if device.device_id != requester.device_id
            ]
            device_removal.remove(app, txn, requester.user_id, others)
    app.page.revoke()


def deactivate(app: App, requester: Requester, *, erase: bool) -> None:
    """End an account for ever: its tokens stop, it leaves its rooms. C-S API, "Account
    deactivation".
    """
    user_id = requester.user_id
    with app.database.transaction() as txn:
        accounts.deactivate(txn, user_id)
        device_removal.remove(app, txn, user_id)
        if cross_signing.list_of_user(txn, user_id):
            cross_signing.delete_all(txn, user_id)
            device_lists.put(txn, user_id, [device_lists.CROSS_SIGNING])
        stored_push_rules.delete(txn, user_id)
        account_data.delete_all(txn, user_id)
        stored_presence.delete(txn, user_id)
        ignored_users.delete(txn, user_id)
        key_backups.delete_all(txn, user_id)
        if erase:
            stored_profiles.delete_all(txn, user_id)
    app.page.revoke()
    app.spawn(_leave_rooms, app, requester)


def finish_deactivations(app: App) -> None:
    """Leave the rooms that deactivated users are in still: what was to do it was ended. For the
    start of a worker, since that is what follows the end of another.
    """
    with app.database.read() as txn:
        user_ids = accounts.list_deactivated_in_rooms(txn, membership.PRESENT)
    for user_id in user_ids:
        _leave_rooms(app, Requester(user_id, None))


def _leave_rooms(app: App, requester: Requester) -> None:
    with app.database.read() as txn:
        found = memberships.list_of_user(txn, requester.user_id)
        present = [one.room_nid for one in found if one.membership in membership.PRESENT]
        rooms = app.rooms.get_by_nids(txn, present)
    for room in rooms.values():
        try:
            membership.leave(app, requester, room.room_id, None)
        except errors.MatrixError as error:
            _log.info("%s could not leave %s: %s", requester.user_id, room.room_id, error)


def new_nonce(app: App) -> str:
    """For registration by the shared secret: good once, for a minute."""
    _shared_secret(app)
    nonce = secrets.token_hex(32)
    with app.database.transaction() as txn:
        accounts.insert_nonce(txn, nonce, app.now_ms(), NONCE_MS)
    return nonce


def check_shared_secret(app: App, nonce: str, mac: str, *signed: str) -> None:
    """Use the nonce up, and raise Forbidden unless `mac` is the HMAC-SHA1 of the fields by the
    shared secret.

    COMPAT(Synapse's register_new_matrix_user and the tools like it): the fields are joined by NUL.
    """
    secret = _shared_secret(app)
    message = "\0".join((nonce, *signed)).encode(errors="surrogatepass")
    expected = hmac.new(secret.encode(), message, hashlib.sha1).hexdigest()
    with app.database.transaction() as txn:
        is_fresh = accounts.take_nonce(txn, nonce, app.now_ms() - NONCE_MS)
    if not is_fresh:
        raise errors.Unknown("unrecognised nonce")
    if not hmac.compare_digest(expected.encode(), mac.encode(errors="surrogatepass")):
        raise errors.Forbidden("the HMAC is wrong")


def _shared_secret(app: App) -> str:
    secret = app.config.registration_shared_secret
    if not secret:
        raise errors.Unknown("registration by shared secret is not enabled")
    return secret
