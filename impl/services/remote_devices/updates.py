"""What other servers tell of their users' devices and keys: m.device_list_update and
m.signing_key_update. S-S API, "Device Management", "End-to-End Encryption".

Theory. Changes of a user's devices are a sequence; each names those before it. One whose
predecessors we know is applied. Any other shows that we missed something, or were told in another
order, or that we do not know where in the sequence the list stands: then it is fetched. Keys for
cross-signing are told of apart from the sequence, all of them at once.

All that one transaction tells is one transaction here. A change that is in doubt is a row that says
so before it is answered for, so it outlives whoever was to fetch the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import told_keys
from impl.core.signed_keys import MASTER, SELF_SIGNING
from impl.core.told_keys import DEVICES_MAX, CrossSigning, DeviceUpdate
from impl.services.remote_devices import fetching
from impl.storage import cross_signing, device_lists, doubtful_devices, remote_devices
from impl.storage.cross_signing import StoredKey
from impl.storage.remote_devices import DeviceList, RemoteDevice

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyUpdate:
    """m.signing_key_update."""

    user_id: str
    master: object
    self_signing: object


Update = DeviceUpdate | KeyUpdate


@dataclass(slots=True)
class _Known:
    """The lists of the users that are told of, what is in them as far as it matters, and what is to
    be written.
    """

    now_ms: int
    lists: Mapping[str, DeviceList]
    devices: dict[tuple[str, str], RemoteDevice]
    counts: dict[str, int]
    keys: dict[str, dict[str, StoredKey]]
    changed: set[str] = field(default_factory=set)
    put_devices: dict[tuple[str, str], RemoteDevice] = field(default_factory=dict)
    gone_devices: dict[tuple[str, str], None] = field(default_factory=dict)
    put_keys: dict[tuple[str, str], StoredKey] = field(default_factory=dict)
    gone_keys: set[str] = field(default_factory=set)


def take_in(app: App, origin: str, updates: Sequence[Update]) -> None:
    """Take in what a server says of its own users, in this order. Users with whom nobody of ours
    shares a room are passed over, unless they may be in one whose members are not all known.
    """
    user_ids = sorted({one.user_id for one in updates})
    with app.database.transaction() as txn:
        sharing = remote_devices.list_sharing(txn, user_ids)
        if len(sharing) < len(user_ids):
            others = [one for one in user_ids if one not in sharing]
            doubtful_devices.note(txn, origin, others)
        if not sharing:
            return
        known = _read(app, txn, [one for one in updates if one.user_id in sharing])
        for update in updates:
            if update.user_id not in sharing:
                continue
            if update.user_id not in known.lists:
                # Nobody has asked for them, so nobody has to be spared from asking.
                known.changed.add(update.user_id)
            elif isinstance(update, DeviceUpdate):
                _take_device(known, known.lists[update.user_id], update)
            else:
                _take_keys(known, known.lists[update.user_id], update)
        _write(txn, known)
    if any(not one.is_fresh for one in known.lists.values()):
        fetching.wake(app, origin)


def _read(app: App, txn: Any, updates: Sequence[Update]) -> _Known:
    lists = remote_devices.lock(txn, sorted({one.user_id for one in updates}))
    fresh = [one for one in updates if one.user_id in lists and lists[one.user_id].is_fresh]
    places = {(one.user_id, one.device_id) for one in fresh if isinstance(one, DeviceUpdate)}
    with_keys = {one.user_id for one in fresh if isinstance(one, KeyUpdate)}
    devices = remote_devices.get_devices(txn, sorted(places)) if places else {}
    users = sorted({user_id for user_id, _ in places})
    counts = remote_devices.count_devices(txn, users) if users else {}
    keys = cross_signing.list_of_users(txn, sorted(with_keys)) if with_keys else {}
    return _Known(app.now_ms(), lists, devices, counts, keys)


def _take_device(known: _Known, one: DeviceList, update: DeviceUpdate) -> None:
    if update.stream_id in one.seen_ids:
        return  # It came twice.
    one.heard_count += 1
    one.heard_id = update.stream_id
    if not one.is_fresh:
        _hasten(known, one)
    elif not update.prev_ids or not set(update.prev_ids).issubset(one.seen_ids):
        one.due_ts = known.now_ms
    else:
        one.seen_ids.append(update.stream_id)
        _apply(known, update)


def _hasten(known: _Known, one: DeviceList) -> None:
    # Its server is there, whatever it was when we tried last. Who is just being asked for needs no
    # other to ask as well: that the answer may be old will be noticed.
    if one.attempts and one.due_ts is not None:
        one.due_ts = min(one.due_ts, known.now_ms)


def _apply(known: _Known, update: DeviceUpdate) -> None:
    place = (update.user_id, update.device_id)
    old, told = known.devices.get(place), update.device
    if told is None:
        if old is not None:
            del known.devices[place]
            known.counts[update.user_id] -= 1
            known.put_devices.pop(place, None)
            known.gone_devices[place] = None
            known.changed.add(update.user_id)
        return
    new = RemoteDevice(update.user_id, told.device_id, told.key_json, told.display_name)
    if new == old:
        return
    if old is None:
        count = known.counts.get(update.user_id, 0)
        if count >= DEVICES_MAX:
            return
        known.counts[update.user_id] = count + 1
    known.devices[place] = known.put_devices[place] = new
    known.gone_devices.pop(place, None)
    known.changed.add(update.user_id)


def _take_keys(known: _Known, one: DeviceList, update: KeyUpdate) -> None:
    one.heard_count += 1
    if not one.is_fresh:
        _hasten(known, one)
        return
    stored = known.keys.setdefault(update.user_id, {})
    master = stored[MASTER].public_key if MASTER in stored else None
    told = told_keys.read_cross_signing(
        update.user_id, update.master, update.self_signing, known_master=master
    )
    if MASTER in told and told[MASTER].public_key != master and SELF_SIGNING not in told:
        # What the old one has signed counts no more.
        if stored.pop(SELF_SIGNING, None) is not None:
            known.put_keys.pop((update.user_id, SELF_SIGNING), None)
            known.gone_keys.add(update.user_id)
    for key in told.values():
        _put_key(known, stored, update.user_id, key)


def _put_key(known: _Known, stored: dict[str, StoredKey], user_id: str, key: CrossSigning) -> None:
    new = StoredKey(user_id, key.usage, key.public_key, key.key_json)
    if stored.get(key.usage) != new:
        stored[key.usage] = known.put_keys[user_id, key.usage] = new
        known.changed.add(user_id)


def _write(txn: Any, known: _Known) -> None:
    remote_devices.put(txn, list(known.lists.values()))
    remote_devices.delete_devices(txn, list(known.gone_devices))
    remote_devices.put_devices(txn, list(known.put_devices.values()))
    for user_id in sorted(known.gone_keys):
        cross_signing.delete(txn, user_id, [SELF_SIGNING])
    cross_signing.put(txn, list(known.put_keys.values()))
    if known.changed:
        device_lists.put_others(txn, sorted(known.changed))
