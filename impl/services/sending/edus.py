"""The EDUs that we send. S-S API, "EDUs", and the sections of each kind."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from impl.app import App
from impl.core.presence import OFFLINE
from impl.core.rejection import Malformed
from impl.services import presence
from impl.services.sending import wire_forms
from impl.services.sending.parcels import Item
from impl.storage import cross_signing, outgoing, room_servers
from impl.storage.device_lists import CROSS_SIGNING
from impl.storage.outgoing import StreamRow
from impl.storage.rooms import Room

# Of whom one EDU tells that they are there.
USERS_AT_ONCE = 100

_log = logging.getLogger(__name__)

_RoomServers = Mapping[int, tuple[Room, frozenset[str]]]


def in_rooms(app: App, rows: Sequence[StreamRow], servers: _RoomServers) -> Iterator[Item]:
    """Read receipts and who is typing, for the servers in their rooms."""
    for row in rows:
        room, names = servers.get(row.room_nid, (None, frozenset()))
        if room is None or not names:
            continue
        key = (row.kind, row.room_nid, row.subject, row.thread_id)
        if row.kind == outgoing.TYPING:
            is_typing = row.number > app.now_ms()
            content = {"room_id": room.room_id, "user_id": row.subject, "typing": is_typing}
            forms = _form("m.typing", content)
        else:
            forms = _form("m.receipt", _receipt(room, row))
        is_unhurried = row.kind == outgoing.RECEIPT
        for form in forms:
            yield Item(row.position, names, form, key=key, is_unhurried=is_unhurried)


def _form(edu_type: str, content: Mapping[str, Any]) -> Iterator[bytes]:
    """The EDU, if it can be one: what users upload may hold what nobody can sign."""
    try:
        yield wire_forms.edu_of(edu_type, content)
    except Malformed as error:
        _log.warning("an EDU %s cannot be sent to other servers: %s", edu_type, error)


def _receipt(room: Room, row: StreamRow) -> dict[str, Any]:
    data: dict[str, Any] = {"ts": row.number}
    if row.thread_id:
        data["thread_id"] = row.thread_id
    receipt = {"data": data, "event_ids": [row.detail]}
    return {room.room_id: {"m.read": {row.subject: receipt}}}


def of_users(app: App, txn: Any, of_kind: Mapping[str, Sequence[StreamRow]]) -> Iterator[Item]:
    """Presence and keys, for the servers in any room of their users."""
    told = of_kind.get(outgoing.PRESENCE, ()) if app.config.presence.enabled else ()
    changed = of_kind.get(outgoing.DEVICE, ())
    user_ids = {row.subject for row in (*told, *changed)}
    if not user_ids:
        return
    sharing = room_servers.list_sharing(txn, sorted(user_ids))
    servers = {user_id: frozenset(names) for user_id, names in sharing.items()}
    told = [row for row in told if row.subject in servers]
    if told:
        yield from _presence(app, txn, told, servers)
    changed = [row for row in changed if row.subject in servers]
    if changed:
        for row, form in device_forms(app, txn, changed):
            yield Item(row.position, servers[row.subject], form)


def _presence(
    app: App, txn: Any, rows: Sequence[StreamRow], servers: Mapping[str, frozenset[str]]
) -> Iterator[Item]:
    contents = presence.told_elsewhere(app, txn, {row.subject for row in rows})
    for row in rows:
        if row.subject in contents:
            content = {"push": [{"user_id": row.subject, **contents[row.subject]}]}
            key = (row.kind, row.subject)
            for form in _form("m.presence", content):
                yield Item(row.position, servers[row.subject], form, key=key, is_unhurried=True)


def presence_of(
    app: App, txn: Any, user_ids: Sequence[str], servers: frozenset[str]
) -> Iterator[Item]:
    """Of users who are there, for servers that do not know it yet."""
    contents = presence.told_elsewhere(app, txn, user_ids)
    push = [
        {"user_id": user_id, **content}
        for user_id, content in contents.items()
        if content["presence"] != OFFLINE
    ]
    for start in range(0, len(push), USERS_AT_ONCE):
        some = push[start : start + USERS_AT_ONCE]
        key = (outgoing.PRESENCE, *(one["user_id"] for one in some))
        for form in _form("m.presence", {"push": some}):
            yield Item(0, servers, form, key=key, is_unhurried=True)


def device_forms(
    app: App, txn: Any, rows: Sequence[StreamRow]
) -> Iterator[tuple[StreamRow, bytes]]:
    """S-S API, "Device Management" and "End-to-End Encryption": what became of devices, in a
    sequence per user, and of keys for cross-signing.
    """
    wanted = [(row.subject, row.detail) for row in rows if row.detail != CROSS_SIGNING]
    devices = outgoing.list_devices(txn, wanted) if wanted else {}
    for row in rows:
        if row.detail == CROSS_SIGNING:
            content = _signing_keys(txn, row.subject)
            if content is not None:
                yield from ((row, form) for form in _form("m.signing_key_update", content))
            continue
        content = {
            "user_id": row.subject,
            "device_id": row.detail,
            "stream_id": row.position,
            "prev_id": [row.number] if row.number else [],
        }
        device = devices.get((row.subject, row.detail))
        if device is None:
            content["deleted"] = True
        else:
            if device.key_json is not None:
                content["keys"] = msgspec.json.decode(device.key_json)
            if app.config.allow_device_name_lookup_over_federation and device.display_name:
                content["device_display_name"] = device.display_name
        yield from ((row, form) for form in _form("m.device_list_update", content))


def _signing_keys(txn: Any, user_id: str) -> dict[str, Any] | None:
    keys = cross_signing.list_of_user(txn, user_id)
    content: dict[str, Any] = {
        f"{usage}_key": msgspec.json.decode(keys[usage].key_json)
        for usage in ("master", "self_signing")
        if usage in keys
    }
    return {"user_id": user_id, **content} if content else None


def to_device(row: StreamRow) -> Item:
    """A to-device message was written as the EDU that it becomes."""
    form = row.detail.encode()
    return Item(row.position, frozenset((row.subject,)), form, is_stored=True)
