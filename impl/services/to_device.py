"""Messages to devices. C-S API, "Send-to-Device messaging".

A message waits for its device until the device shows by its next `since` that it has it
(sync/to_device.py), goes with the device if that is deleted, and, if nobody ever comes for it, when
it is old (jobs/to_device.py). The transaction id, the messages and their place in the stream are
one transaction: what was answered for is there once, whoever is killed and however often the
request comes.

What is for other servers' users waits for their servers in the same way (outgoing_to_device.py),
with all that is for one of them in as few pieces as can be."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.services import outgoing_to_device, rate_limiting
from impl.storage import idempotency, received_transactions, to_device
from impl.storage.idempotency import ClientTransaction
from impl.storage.to_device import Address

ALL_DEVICES = "*"
KEY_REQUEST = "m.room_key_request"
# The specification bounds none of these. A content may be as large as an event; clients send to 20
# to 250 devices at a time.
NAME_BYTES_MAX = 255
CONTENT_BYTES_MAX = 65_536
DEVICES_MAX = 10_000
# All that one request may have written: "*" makes much of little.
WRITTEN_BYTES_MAX = 32 << 20

# user_id -> device_id or "*" -> content.
Messages = Mapping[str, Mapping[str, dict[str, Any]]]
# The same with the contents as JSON.
_Contents = dict[str, dict[str, str]]


def send(
    app: App, requester: Requester, message_type: str, txn_id: str, messages: Messages
) -> None:
    """Send one message each to devices; those that are not there are passed over. Once for a
    transaction id.

    Raises InvalidParam for names that cannot be, TooLarge for too much at once.
    """
    _check_name("event_type", message_type)
    _check_name("txn_id", txn_id)
    contents = _read(messages)
    transaction = ClientTransaction(
        requester.user_id, requester.device_id or "", f"sendToDevice/{message_type}", txn_id
    )
    with app.database.transaction() as txn:
        # The same request, if it is under way, is waited for here.
        if not idempotency.insert_if_new(txn, transaction, app.now_ms()):
            return
        if message_type == KEY_REQUEST:
            key = f"{requester.user_id} {requester.device_id or ''}"
            contents = _within_limit(app, requester.user_id, key, contents, requester)
        ours = _of_ours(app, contents)
        if ours:
            deliver(app, txn, requester.user_id, message_type, ours)
        elsewhere = {one: contents[one] for one in contents if one not in ours}
        if elsewhere:
            outgoing_to_device.put(app, txn, requester.user_id, message_type, elsewhere)


def receive(
    app: App, origin: str, sender: str, message_type: str, message_id: str, messages: Messages
) -> int:
    """The same of a user of another server, which gives each message an id: once for each. Returns
    how many bytes of contents were written.

    Raises InvalidParam and TooLarge as for our own."""
    _check_name("type", message_type)
    _check_name("message_id", message_id)
    contents = _of_ours(app, _read(messages))
    if not contents:
        return 0
    with app.database.transaction() as txn:
        now_ms = app.now_ms()
        if not received_transactions.insert_message_if_new(txn, origin, message_id, now_ms):
            return 0
        if message_type == KEY_REQUEST:
            contents = _within_limit(app, sender, sender, contents)
        return deliver(app, txn, sender, message_type, contents) if contents else 0


def deliver(app: App, txn: Any, sender: str, message_type: str, contents: _Contents) -> int:
    """Messages for users of ours, to those devices of theirs that are there; returns how many bytes
    of contents that is.
    """
    named = [
        (user_id, device_id)
        for user_id, of_user in contents.items()
        for device_id in of_user
        if device_id != ALL_DEVICES
    ]
    in_full = [user_id for user_id, of_user in contents.items() if ALL_DEVICES in of_user]
    found = to_device.lock_devices(txn, named, in_full)
    if len(found) > DEVICES_MAX:
        raise errors.TooLarge(f"messages is for more than {DEVICES_MAX} devices")
    written = list(_written(contents, found))
    size = sum(len(content) for _, content in written)
    if size > WRITTEN_BYTES_MAX:
        raise errors.TooLarge(f"messages comes to more than {WRITTEN_BYTES_MAX} bytes")
    to_device.insert(txn, sender, message_type, written, app.now_ms())
    return size


def _written(contents: _Contents, found: list[Address]) -> Iterator[tuple[Address, str]]:
    """What each device is sent: what is for it by name, else what is for all."""
    for user_id, device_id in found:
        of_user = contents[user_id]
        content = of_user.get(device_id)
        yield (user_id, device_id), of_user[ALL_DEVICES] if content is None else content


def _read(messages: Messages) -> _Contents:
    """All of it is looked at, so that a request is right or wrong whoever it is for."""
    if sum(map(len, messages.values())) > DEVICES_MAX:
        raise errors.TooLarge(f"messages is for more than {DEVICES_MAX} devices")
    contents: _Contents = {}
    for user_id, of_user in messages.items():
        if not identifiers.is_user_id(user_id):
            raise errors.InvalidParam("messages: a key is not a user id")
        read = {
            device_id: _encode(user_id, content)
            for device_id, content in of_user.items()
            # No device is called so.
            if "\0" not in device_id
        }
        if read:
            contents[user_id] = read
    return contents


def _of_ours(app: App, contents: _Contents) -> _Contents:
    return {
        user_id: of_user
        for user_id, of_user in contents.items()
        if identifiers.server_name_of(user_id) == app.server_name
    }


def _encode(user_id: str, content: dict[str, Any]) -> str:
    encoded = msgspec.json.encode(content)
    if len(encoded) > CONTENT_BYTES_MAX:
        raise errors.TooLarge(
            f"messages: a content for {user_id} is longer than {CONTENT_BYTES_MAX} bytes"
        )
    return encoded.decode()


def _within_limit(
    app: App, sender: str, key: str, contents: _Contents, requester: Requester | None = None
) -> _Contents:
    """Without what is too much under rc_key_requests: a device that asks others' devices for keys
    all the time has gone wild, and they would be busy with it. As in Synapse, it is not told.
    """
    passed: _Contents = {}
    for user_id, of_user in contents.items():
        if user_id != sender:
            try:
                rate_limiting.spend(app, "rc_key_requests", key, requester)
            except errors.LimitExceeded:
                continue
        passed[user_id] = of_user
    return passed


def _check_name(field: str, value: str) -> None:
    if "\0" in value or len(value.encode(errors="surrogatepass")) > NAME_BYTES_MAX:
        raise errors.InvalidParam(f"{field} is longer than {NAME_BYTES_MAX} bytes or holds a NUL")
