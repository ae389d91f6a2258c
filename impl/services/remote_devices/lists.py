"""Keeping what servers answer about the devices of users whom we follow.

An answer may be older than what we have been told of since it was asked for. So it counts how often
we were told something (`heard_count`): if that moved, the list stays in doubt, unless the answer
says that it stands where the last we were told of does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent

from impl.app import App
from impl.core.told_keys import Told
from impl.storage import cross_signing, device_lists, remote_devices
from impl.storage.cross_signing import StoredKey
from impl.storage.remote_devices import DeviceList, RemoteDevice

BATCH_USERS = 100


@dataclass(slots=True)
class _Changes:
    """What is to be written."""

    lists: list[DeviceList] = field(default_factory=list)
    devices: list[RemoteDevice] = field(default_factory=list)
    gone_devices: list[tuple[str, str]] = field(default_factory=list)
    keys: list[StoredKey] = field(default_factory=list)
    gone_keys: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def store(
    app: App,
    answers: Mapping[str, Told],
    heard: Mapping[str, int],
    missed: Collection[str] = frozenset(),
) -> bool:
    """Keep answers, user_id -> what was told; whether any of the lists is still in doubt. `heard`
    is the `heard_count` of each when it was asked for; of `missed` somebody has asked in vain.
    """
    user_ids = sorted(answers)
    is_in_doubt = False
    for start in range(0, len(user_ids), BATCH_USERS):
        batch = {one: answers[one] for one in user_ids[start : start + BATCH_USERS]}
        with app.database.transaction() as txn:
            is_in_doubt |= _store(app, txn, batch, heard, missed)
        gevent.sleep(0)
    return is_in_doubt


def _store(
    app: App,
    txn: Any,
    answers: Mapping[str, Told],
    heard: Mapping[str, int],
    missed: Collection[str],
) -> bool:
    lists = remote_devices.lock(txn, list(answers))
    if not lists:
        return False
    # Somebody may have left while we asked, before the list was there to be forgotten.
    sharing = remote_devices.list_sharing(txn, list(lists))
    parted = [user_id for user_id in lists if user_id not in sharing]
    if parted:
        remote_devices.forget_parted(txn, parted)
    devices = remote_devices.list_devices(txn, sorted(sharing))
    keys = cross_signing.list_of_users(txn, sorted(sharing))
    changes = _Changes()
    for user_id in sorted(sharing):
        known, told = lists[user_id], answers[user_id]
        is_newest = known.heard_count == heard.get(user_id) or _covers(told, known.heard_id)
        if known.is_fresh and not is_newest:
            continue  # Somebody else was faster.
        has_changed = _compare(user_id, told, devices[user_id], keys.get(user_id, {}), changes)
        # Before the first answer nobody knew anything else, but somebody may have asked in vain.
        is_missed = known.attempts > 0 or user_id in missed
        if has_changed if known.is_fetched else is_missed:
            changes.told.append(user_id)
        known.seen_ids = [told.stream_id] if told.stream_id is not None else []
        known.is_fetched, known.attempts = True, 0
        known.due_ts = None if is_newest else app.now_ms()
        changes.lists.append(known)
    _write(txn, changes)
    return any(not one.is_fresh for one in changes.lists)


def _covers(told: Told, heard_id: str | None) -> bool:
    """Whether what we were told of last is in the answer."""
    if told.stream_id is None or heard_id is None:
        return False
    if told.stream_id == heard_id:
        return True
    are_numbers = told.stream_id.isdecimal() and heard_id.isdecimal()
    return are_numbers and int(told.stream_id) >= int(heard_id)


def _compare(
    user_id: str,
    told: Told,
    devices: Mapping[str, RemoteDevice],
    keys: Mapping[str, StoredKey],
    changes: _Changes,
) -> bool:
    """Note what is another; whether anything is."""
    new_devices = [
        RemoteDevice(user_id, one.device_id, one.key_json, one.display_name)
        for one in told.devices.values()
    ]
    more = [one for one in new_devices if devices.get(one.device_id) != one]
    gone = [(user_id, device_id) for device_id in devices if device_id not in told.devices]
    new_keys = [
        StoredKey(user_id, one.usage, one.public_key, one.key_json) for one in told.keys.values()
    ]
    more_keys = [one for one in new_keys if keys.get(one.usage) != one]
    gone_keys = [usage for usage in keys if usage not in told.keys]
    changes.devices += more
    changes.gone_devices += gone
    changes.keys += more_keys
    if gone_keys:
        changes.gone_keys.append((user_id, gone_keys))
    return bool(more or gone or more_keys or gone_keys)


def _write(txn: Any, changes: _Changes) -> None:
    remote_devices.put(txn, changes.lists)
    remote_devices.delete_devices(txn, changes.gone_devices)
    remote_devices.put_devices(txn, changes.devices)
    for user_id, usages in changes.gone_keys:
        cross_signing.delete(txn, user_id, usages)
    cross_signing.put(txn, changes.keys)
    if changes.told:
        device_lists.put_others(txn, changes.told)
