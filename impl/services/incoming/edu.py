"""EDUs: what another server says of its users and to ours, and what is no event. S-S API, "EDUs".

Each says by `edu_type` what it is; what we do not know is passed over. A server speaks for its own
users only, and of a room only if its access list lets it. An EDU that is no good is passed over and
fails no transaction; only when we cannot do our part, the database being away, the whole is asked
for again.

What is short-lived of one transaction goes into one commit (ephemeral.py), and what is said of
devices and keys into another (remote_devices/updates.py). To take another kind: add it to HANDLERS.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers, told_keys
from impl.core.presence import OFFLINE, ONLINE, UNAVAILABLE, Presence
from impl.core.rejection import Malformed
from impl.services import ephemeral, presence, receipts, to_device, typing
from impl.services.ephemeral import Key, Write
from impl.services.incoming import shared_rooms
from impl.services.remote_devices import updates
from impl.services.remote_devices.updates import KeyUpdate, Update
from impl.storage import memberships
from impl.storage import presence as stored_presence
from impl.storage.database import DatabaseUnavailable
from impl.storage.rooms import Room

# The specification bounds none of these. Of a whole transaction: the rooms that it tells of, and
# what it has written of who types, is there and has read.
ROOMS_MAX = 200
WRITES_MAX = 1_000
# Of one transaction, however many EDUs they are in; of a room that none is for, one.
RECEIPTS_MAX = 1_000
# Of one EDU.
USERS_MAX = 1_000
STATUS_BYTES_MAX = presence.STATUS_BYTES_MAX
TS_MAX = 2**53 - 1
MAIN_THREAD = "main"

_log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(slots=True)
class Incoming:
    """The EDUs of one transaction: who sent them, the rooms among theirs that they may tell of, and
    what is to be written.
    """

    app: App
    origin: str
    rooms: Mapping[str, Room]
    writes: list[tuple[Key, Write, int]] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    # Of messages to devices.
    written_bytes: int = 0
    receipts_left: int = field(default_factory=lambda: RECEIPTS_MAX)

    def add(self, write: tuple[Key, Write, int]) -> None:
        """Raises TooLarge where it is too much for one transaction."""
        if len(self.writes) >= WRITES_MAX:
            raise errors.TooLarge(f"the transaction says more than {WRITES_MAX} things")
        self.writes.append(write)

    def is_of_origin(self, user_id: object) -> bool:
        """A server speaks for its own users."""
        return (
            identifiers.is_user_id(user_id)
            and isinstance(user_id, str)
            and identifiers.server_name_of(user_id) == self.origin
        )


Handler = Callable[[Incoming, Json], None]


def receive(app: App, origin: str, edus: Sequence[Json]) -> None:
    """Take in the EDUs of a transaction. Raises Unavailable, and nothing else."""
    if not edus:
        return
    room_ids = {room_id for one in edus for room_id in _room_ids(one)}
    rooms: Mapping[str, Room] = {}
    if room_ids:
        with app.database.read() as txn:
            rooms = shared_rooms.look_up(app, txn, origin, sorted(room_ids)[:ROOMS_MAX]).rooms
    incoming = Incoming(app, origin, rooms)
    for one in edus:
        _receive(incoming, one)
    _write(incoming)


def _receive(incoming: Incoming, edu: Json) -> None:
    edu_type, content = edu.get("edu_type"), edu.get("content")
    handler = HANDLERS.get(edu_type) if isinstance(edu_type, str) else None
    if handler is None or not isinstance(content, dict):
        _log.debug("%s: an EDU is passed over", incoming.origin)
        return
    try:
        handler(incoming, content)
    except (DatabaseUnavailable, errors.Unavailable):
        raise
    except errors.MatrixError as refusal:
        _log.info("%s of %s is passed over: %s", edu_type, incoming.origin, refusal.message)
    except Exception:
        _log.exception("%s of %s is passed over", edu_type, incoming.origin)


def _write(incoming: Incoming) -> None:
    app, origin = incoming.app, incoming.origin
    for write, what in (
        (lambda: ephemeral.submit_all(app, incoming.writes), incoming.writes),
        (lambda: updates.take_in(app, origin, incoming.updates), incoming.updates),
    ):
        try:
            if what:
                write()
        except (DatabaseUnavailable, errors.Unavailable):
            raise
        except Exception:
            _log.exception("not all of what %s tells is written", origin)


def _room_ids(edu: Json) -> list[str]:
    """The rooms that an EDU tells of."""
    content = edu.get("content")
    if not isinstance(content, dict):
        return []
    if edu.get("edu_type") == "m.receipt":
        return list(content)
    room_id = content.get("room_id")
    return [room_id] if edu.get("edu_type") == "m.typing" and isinstance(room_id, str) else []


def _typing(incoming: Incoming, content: Json) -> None:
    """S-S API, "Typing Notifications"."""
    room = incoming.rooms.get(str(content.get("room_id")))
    user_id, is_typing = content.get("user_id"), content.get("typing")
    if room is None or not isinstance(is_typing, bool):
        raise errors.InvalidParam("room_id or typing is no good")
    if not isinstance(user_id, str) or not _members(incoming, room, [user_id]):
        raise errors.Forbidden("it speaks for somebody else")
    told = typing.told_of(incoming.app, room.room_nid, user_id, is_typing=is_typing)
    incoming.add(told)


def _receipt(incoming: Incoming, content: Json) -> None:
    """S-S API, "Receipts". Those of other types than m.read are not for others to know."""
    for room_id, by_type in content.items():
        room = incoming.rooms.get(room_id)
        of_users = by_type.get(receipts.READ) if isinstance(by_type, dict) else None
        if room is None or not isinstance(of_users, dict):
            continue
        chosen = list(of_users)[: incoming.receipts_left]
        incoming.receipts_left -= max(1, len(chosen))
        if incoming.receipts_left < 0:
            raise errors.TooLarge(f"the transaction has more than {RECEIPTS_MAX} receipts")
        for user_id in _members(incoming, room, chosen):
            told = _receipt_of(incoming, room, user_id, of_users[user_id])
            if told is not None:
                incoming.add(told)


def _receipt_of(
    incoming: Incoming, room: Room, user_id: str, receipt: object
) -> tuple[Key, Write, int] | None:
    if not isinstance(receipt, dict):
        return None
    event_ids, data = receipt.get("event_ids"), receipt.get("data")
    if not isinstance(event_ids, list) or not event_ids or not isinstance(data, dict):
        return None
    event_id, thread_id, ts = event_ids[0], data.get("thread_id"), data.get("ts")
    if not identifiers.is_event_id(event_id):
        return None
    if not (thread_id is None or thread_id == MAIN_THREAD or identifiers.is_event_id(thread_id)):
        return None
    if type(ts) is not int or not 0 <= ts <= TS_MAX:
        ts = incoming.app.now_ms()
    return receipts.told_of(incoming.app, room, user_id, event_id, thread_id, ts)


def _presence(incoming: Incoming, content: Json) -> None:
    """S-S API, "Presence"."""
    if not incoming.app.config.presence.enabled:
        return
    push = content.get("push")
    if not isinstance(push, list):
        raise errors.InvalidParam("push is not a list")
    told = {
        one["user_id"]: one
        for one in push[:USERS_MAX]
        if isinstance(one, dict) and incoming.is_of_origin(one.get("user_id"))
    }
    if not told:
        return
    with incoming.app.database.read() as txn:
        known = stored_presence.list_in_rooms(txn, list(told))
    for user_id in sorted(known):
        read = _presence_of(incoming.app, told[user_id])
        if read is not None:
            incoming.add(presence.told_of(incoming.app, user_id, read))


def _presence_of(app: App, told: Json) -> Presence | None:
    state, status_msg = told.get("presence"), told.get("status_msg")
    ago, is_active = told.get("last_active_ago"), told.get("currently_active")
    if state not in (ONLINE, UNAVAILABLE, OFFLINE):
        return None
    if not isinstance(status_msg, str) or not _is_storable(status_msg):
        status_msg = None
    now_ms = app.now_ms()
    active_ts = now_ms - ago if type(ago) is int and 0 <= ago <= now_ms else 0
    return Presence(state, status_msg, active_ts, is_active is True and state == ONLINE)


def _is_storable(status_msg: str) -> bool:
    try:
        return len(status_msg.encode()) <= STATUS_BYTES_MAX and "\0" not in status_msg
    except UnicodeEncodeError:
        return False


def _device_message(incoming: Incoming, content: Json) -> None:
    """S-S API, "Send-to-device messaging"."""
    sender = content.get("sender")
    if not incoming.is_of_origin(sender):
        raise errors.Forbidden("it speaks for somebody else")
    message_type, message_id = content.get("type"), content.get("message_id")
    messages = content.get("messages")
    if not isinstance(message_type, str) or not isinstance(message_id, str):
        raise errors.InvalidParam("type or message_id is not a string")
    if not isinstance(messages, dict) or not all(map(_is_of_objects, messages.values())):
        raise errors.InvalidParam("messages is not an object of objects of objects")
    if incoming.written_bytes > to_device.WRITTEN_BYTES_MAX:
        raise errors.TooLarge("the transaction has more messages than are delivered at once")
    incoming.written_bytes += to_device.receive(
        incoming.app, incoming.origin, str(sender), message_type, message_id, messages
    )


def _device_list(incoming: Incoming, content: Json) -> None:
    """S-S API, "Device Management"."""
    try:
        update = told_keys.read_update(content)
    except Malformed as error:
        raise errors.InvalidParam(str(error)) from error
    _check_owner(incoming, update.user_id)
    incoming.updates.append(update)


def _signing_keys(incoming: Incoming, content: Json) -> None:
    """S-S API, "End-to-End Encryption"."""
    user_id = content.get("user_id")
    _check_owner(incoming, user_id)
    master, self_signing = content.get("master_key"), content.get("self_signing_key")
    incoming.updates.append(KeyUpdate(str(user_id), master, self_signing))


def _check_owner(incoming: Incoming, user_id: object) -> None:
    if not incoming.is_of_origin(user_id):
        raise errors.Forbidden("it speaks for somebody else")
    if not identifiers.is_compliant_user_id(str(user_id)):
        # Appendices, "Historical User IDs": clients are not told of these but by events.
        raise errors.InvalidParam("user_id is of no form that clients may be told of")


def _is_of_objects(of_user: object) -> bool:
    return isinstance(of_user, dict) and all(isinstance(one, dict) for one in of_user.values())


def _members(incoming: Incoming, room: Room, user_ids: Sequence[str]) -> list[str]:
    """Those of some users whom the server may speak for in a room: its own who are in it."""
    wanted = [one for one in user_ids if incoming.is_of_origin(one)]
    if not wanted:
        return []
    with incoming.app.database.read() as txn:
        return memberships.list_joined_among(txn, room.room_nid, wanted)


HANDLERS: dict[str, Handler] = {
    "m.typing": _typing,
    "m.receipt": _receipt,
    "m.presence": _presence,
    "m.direct_to_device": _device_message,
    "m.device_list_update": _device_list,
    "m.signing_key_update": _signing_keys,
    # COMPAT(Synapse): it sends both, and has done so before there was the other.
    "org.matrix.signing_key_update": _signing_keys,
}
