"""Dehydrated devices: what is written to a user while they are logged in nowhere. MSC3814.

Theory. A user's client makes one more device, encrypts its private keys under a key that stands in
the user's secret storage, and leaves it here. It is one of the user's devices: others find its
keys, encrypt to it, and are told when it comes and goes; only that nothing runs on it. Whoever logs
in again takes its private keys and reads all messages that wait for it: they stay, read or not,
until the device is replaced or deleted, as any device may be.

Nobody is asked for a password here. So only a device that was made here is replaced or deleted: one
on which somebody is logged in cannot be turned into such a one."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import signed_keys
from impl.requester import Requester
from impl.services import device_keys, device_removal
from impl.services.device_keys import Keys
from impl.services.sessions import check_device, check_is_no_key
from impl.services.sync.to_device import MESSAGES_MAX, as_event
from impl.storage import accounts, cross_signing, dehydrated_devices, devices, to_device
from impl.storage import device_keys as stored_keys
from impl.storage.dehydrated_devices import Dehydrated

# The private keys of a device with a hundred one-time keys take about 10,000 bytes.
DEVICE_DATA_BYTES_MAX = 65_536

# Of no more digits than a BIGINT has.
_TOKEN = re.compile(r"d(0|[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewDevice:
    """As a client leaves it here. `data` are its private keys, `identity` its public ones."""

    device_id: str
    data: dict[str, Any]
    display_name: str | None
    identity: dict[str, Any]
    one_time: Keys | None
    fallback: Keys | None


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, in order of arrival; `next_token` is where those begin that follow."""

    events: list[dict[str, Any]]
    next_token: str
    has_more: bool


def get(app: App, requester: Requester) -> dict[str, Any]:
    """Raises NotFound; with that a client is told that it may leave one here."""
    with app.database.read() as txn:
        found = dehydrated_devices.get(txn, requester.user_id)
    if found is None:
        raise errors.NotFound("you have no dehydrated device")
    return {
        "device_id": found.device_id,
        "device_data": msgspec.Raw(found.device_data.encode()),
    }


def put(app: App, requester: Requester, new: NewDevice) -> str:
    """Leave a device in place of the one before. The same once more is the same, with all that
    waits for it: the answer may have been lost.
    """
    user_id = requester.user_id
    check_device(new.device_id, new.display_name)
    data = _write_data(new.data)
    keys = device_keys.read(user_id, new.device_id, new.identity, new.one_time, new.fallback)
    with app.database.transaction() as txn:
        cross_signing.lock_user(txn, user_id)
        _check_account(txn, user_id)
        old = dehydrated_devices.get(txn, user_id)
        _lock_devices(txn, requester, old)
        if old is None or not _is_same(txn, user_id, old, new, data):
            if old is not None:
                device_removal.remove(app, txn, user_id, [old.device_id])
            _insert(app, txn, user_id, new, data)
        device_keys.put(txn, user_id, new.device_id, keys)
    if old is not None:
        app.page.revoke()
    app.page.move_keys()
    return new.device_id


def delete(app: App, requester: Requester) -> str:
    """The id that it had."""
    user_id = requester.user_id
    with app.database.transaction() as txn:
        cross_signing.lock_user(txn, user_id)
        old = dehydrated_devices.get(txn, user_id)
        if old is None:
            raise errors.NotFound("you have no dehydrated device")
        device_removal.remove(app, txn, user_id, [old.device_id])
    app.page.revoke()
    return old.device_id


def messages(
    app: App, requester: Requester, device_id: str, after: str | None, limit: int | None
) -> Page:
    """What waits for the device, from the token of the page before on."""
    position = _read_token(after) if after else 0
    number = min(limit or MESSAGES_MAX, MESSAGES_MAX)
    user_id, up_to = requester.user_id, app.news.position
    with app.database.read() as txn:
        device = dehydrated_devices.get(txn, user_id)
        if device is None or device.device_id != device_id:
            raise errors.Forbidden("device_id is not that of your dehydrated device")
        found = to_device.list_waiting(txn, user_id, device_id, position, up_to, number + 1)
    told = found[:number]
    if told:
        position = told[-1].position
    return Page([as_event(one) for one in told], f"d{position}", len(found) > number)


def _write_data(data: dict[str, Any]) -> str:
    if not isinstance(data.get("algorithm"), str):
        raise errors.InvalidParam("device_data: algorithm is not a string")
    written = msgspec.json.encode(data)
    if len(written) > DEVICE_DATA_BYTES_MAX:
        raise errors.TooLarge(f"device_data is larger than {DEVICE_DATA_BYTES_MAX} bytes")
    return written.decode()


def _check_account(txn: Any, user_id: str) -> None:
    account = accounts.get(txn, user_id)
    if account is None:
        raise errors.Forbidden("the application service has not registered this user")
    if account.is_deactivated:
        raise errors.UserDeactivated("this account has been deactivated")


def _lock_devices(txn: Any, requester: Requester, old: Dehydrated | None) -> None:
    """The device that asks, and the one that may have to go. If the former is logged out
    meanwhile, nothing is done.
    """
    own = requester.device_id
    named = [one for one in (own, old.device_id if old else None) if one is not None]
    found = devices.lock(txn, requester.user_id, named)
    if own is not None and own not in found:
        raise errors.UnknownToken("the device was logged out")


def _is_same(txn: Any, user_id: str, old: Dehydrated, new: NewDevice, data: str) -> bool:
    if old != (new.device_id, data):
        return False
    stored = stored_keys.list_of_devices(txn, user_id, [old.device_id]).get(old.device_id)
    return stored is not None and signed_keys.signed_part(
        msgspec.json.decode(stored)
    ) == signed_keys.signed_part(new.identity)


def _insert(app: App, txn: Any, user_id: str, new: NewDevice, data: str) -> None:
    if not devices.put(txn, user_id, new.device_id, new.display_name, app.now_ms()):
        raise errors.InvalidParam("device_id is that of another device of yours")
    check_is_no_key(txn, user_id, new.device_id)
    dehydrated_devices.insert(txn, user_id, new.device_id, data)


def _read_token(token: str) -> int:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise errors.InvalidParam("the token is not one of a page of events")
    return int(match[1])
