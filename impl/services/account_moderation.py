"""What administrators see of an account and do to it: whois, lock, suspend. C-S API, "Server
Administration", "Account moderation".

Who asks is looked at before anything is looked up, so that nobody learns who has an account here.
What a user may do is kept with their tokens in the workers' memory, so that each change counts as a
revocation: it holds in all workers before it is answered."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.services.last_seen import LastSeen, Seen
from impl.storage import accounts, devices
from impl.storage.accounts import Account


def whois(app: App, requester: Requester, user_id: str) -> dict[str, Any]:
    """A user's devices, and from where each was last heard of: for administrators, and for
    oneself.
    """
    if not requester.is_admin and user_id != requester.user_id:
        raise errors.Forbidden("only administrators may ask about other users")
    _check_local(app, user_id)
    with app.database.read() as txn:
        if accounts.get(txn, user_id) is None:
            raise errors.NotFound("there is no such user")
        found = devices.list_of_user(txn, user_id)
    last_seen = app.part(LastSeen, LastSeen)
    connections = {one.device_id: _connections(last_seen.newest(user_id, one)) for one in found}
    return {
        "user_id": user_id,
        "devices": {
            device_id: {"sessions": [{"connections": of_device}]}
            for device_id, of_device in connections.items()
        },
    }


def is_locked(app: App, requester: Requester, user_id: str) -> bool:
    """Raises what the changes raise."""
    _check_admin(requester)
    with app.database.read() as txn:
        return _target(app, txn, requester, user_id).is_locked


def is_suspended(app: App, requester: Requester, user_id: str) -> bool:
    """Raises what the changes raise."""
    _check_admin(requester)
    with app.database.read() as txn:
        return _target(app, txn, requester, user_id).is_suspended


def set_locked(app: App, requester: Requester, user_id: str, locked: bool) -> None:
    """Raises Forbidden for oneself and other administrators, InvalidParam for other servers' users,
    NotFound for who is not there, or no more.
    """
    _check_admin(requester)
    _check_other(requester, user_id)
    with app.database.transaction() as txn:
        _target(app, txn, requester, user_id)
        accounts.put_locked(txn, user_id, locked)
    app.page.revoke()


def set_suspended(app: App, requester: Requester, user_id: str, suspended: bool) -> None:
    """Raises as `set_locked`."""
    _check_admin(requester)
    _check_other(requester, user_id)
    with app.database.transaction() as txn:
        _target(app, txn, requester, user_id)
        accounts.put_suspended(txn, user_id, suspended)
    app.page.revoke()


def _connections(seen: Seen | None) -> list[dict[str, Any]]:
    if seen is None:
        return []
    fields = {"ip": seen.address, "last_seen": seen.seen_ts, "user_agent": seen.user_agent}
    return [{name: value for name, value in fields.items() if value is not None}]


def _check_admin(requester: Requester) -> None:
    if not requester.is_admin:
        raise errors.Forbidden("only administrators may do this")


def _check_other(requester: Requester, user_id: str) -> None:
    if user_id == requester.user_id:
        raise errors.Forbidden("you cannot do this to your own account")


def _check_local(app: App, user_id: str) -> None:
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")
    if identifiers.server_name_of(user_id) != app.server_name:
        raise errors.InvalidParam("user_id does not belong to this server")


def _target(app: App, txn: Any, requester: Requester, user_id: str) -> Account:
    _check_local(app, user_id)
    account = accounts.get(txn, user_id)
    if account is None or account.is_deactivated:
        raise errors.NotFound("there is no such user")
    if account.is_admin and user_id != requester.user_id:
        raise errors.Forbidden("the user is an administrator")
    return account
