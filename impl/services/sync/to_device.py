"""The to_device section of a sync. C-S API, "Send-to-Device messaging", "Extensions to /sync".

Theory. A token says what the client has: all messages up to its own position, or, where more waited
than fit into one answer, up to a second one that it names besides. Messages are told from there on,
so whoever did not get an answer and asks again with the token of before is told the same again. A
token names the second position whenever messages were told in its answer, and who comes with such a
token has them: they are deleted then. With any other token there is nothing to delete, and the
database is not asked."""

from dataclasses import replace
from typing import Any

import msgspec

from impl.app import App
from impl.core.stream_token import SyncToken
from impl.requester import Requester
from impl.services.sync.request import Sync
from impl.storage import to_device
from impl.storage.to_device import Message

# As the specification recommends.
MESSAGES_MAX = 100

# What carries the keys of messages in rooms, or says why there are none. Whoever stops ignoring
# somebody must be able to read what they say then, and its keys were sent before.
_OF_KEYS = frozenset({"m.room.encrypted", "m.room_key.withheld"})


def acknowledge(app: App, requester: Requester, since: SyncToken) -> None:
    """Delete what the client shows to have."""
    if since.to_device is None or requester.device_id is None:
        return
    with app.database.transaction() as txn:
        to_device.delete_up_to(txn, requester.user_id, requester.device_id, since.to_device)


def is_behind(sync: Sync) -> bool:
    """Whether more waited than the client was told up to `since`."""
    return sync.heard < sync.since and _may_wait(sync)


def load(sync: Sync) -> Sync:
    """The same sync with the messages that are to be told."""
    device_id = sync.requester.device_id
    if device_id is None or not _may_wait(sync):
        return sync
    after, told, events = sync.heard, sync.up_to, []
    with sync.app.database.read() as txn:
        while not events:
            found = to_device.list_waiting(
                txn, sync.user_id, device_id, after, sync.up_to, MESSAGES_MAX
            )
            events = [as_event(one) for one in found if not _is_unwanted(sync, one)]
            if len(found) < MESSAGES_MAX:
                break
            after = told = found[-1].position
    if not events:
        return sync
    return replace(sync, messages=events, told=told)


def _may_wait(sync: Sync) -> bool:
    # No message has a position beyond that of its user.
    return sync.app.news.user_position(sync.user_id) > sync.heard


def _is_unwanted(sync: Sync, message: Message) -> bool:
    """C-S API, "Ignoring Users"."""
    return message.sender in sync.ignored and message.type not in _OF_KEYS


def as_event(message: Message) -> dict[str, Any]:
    """As its device is told of it."""
    return {
        "sender": message.sender,
        "type": message.type,
        "content": msgspec.Raw(message.content.encode()),
    }
