"""Encrypted copies of message keys, kept for the user's other devices. C-S API, "Server-side key
backups".

Versions are numbers, counted for each user and never given out again. The current one is the newest
that has not been deleted: keys go only into it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.storage import key_backups
from impl.storage.key_backups import Backup, Key

ALGORITHM_BYTES_MAX = 255
AUTH_DATA_BYTES_MAX = 65_536
SESSION_ID_BYTES_MAX = 255
# What one message key takes is about 700 bytes.
SESSION_DATA_BYTES_MAX = 65_536
# Appendices, "Canonical JSON".
INTEGER_MAX = 2**53 - 1
# Keys that one statement writes or reads: other requests are served between two.
KEYS_AT_ONCE = 2_000

# Of no more digits than a BIGINT has.
_VERSION = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)

_encode = msgspec.json.Encoder().encode


class KeyData(Protocol):
    """A key as a client sends it."""

    first_message_index: int
    forwarded_count: int
    is_verified: bool
    session_data: dict[str, Any]


# room_id -> session_id -> key.
Rooms = Mapping[str, Mapping[str, KeyData]]


def create_version(
    app: App, requester: Requester, algorithm: str, auth_data: dict[str, Any]
) -> str:
    """A new backup, which becomes the current one."""
    if not 0 < _bytes(algorithm) <= ALGORITHM_BYTES_MAX:
        raise errors.InvalidParam(f"algorithm has not 1 to {ALGORITHM_BYTES_MAX} bytes")
    text = _small_json("auth_data", auth_data, AUTH_DATA_BYTES_MAX)
    with app.database.transaction() as txn:
        version = key_backups.take_version(txn, requester.user_id)
        if version is None:
            raise errors.Forbidden("this user has no account")
        key_backups.insert(txn, requester.user_id, version, algorithm, text)
    return str(version)


def get_version(app: App, requester: Requester, version: str | None) -> dict[str, Any]:
    """What a backup is; `version` None: the current one."""
    with app.database.read() as txn:
        if version is None:
            backup = key_backups.get_current(txn, requester.user_id)
        else:
            backup = _get(txn, requester.user_id, version)
    if backup is None:
        raise _no_backup()
    return {
        "algorithm": backup.algorithm,
        "auth_data": msgspec.Raw(backup.auth_data),
        "version": str(backup.version),
        **_counts(backup),
    }


def change_version(
    app: App,
    requester: Requester,
    version: str,
    *,
    algorithm: str,
    auth_data: dict[str, Any],
    stated_version: str | None,
) -> None:
    """New `auth_data`; what else the body says must be as it is already."""
    if stated_version is not None and stated_version != version:
        raise errors.InvalidParam("version is not that of the path")
    text = _small_json("auth_data", auth_data, AUTH_DATA_BYTES_MAX)
    with app.database.transaction() as txn:
        backup = _lock(txn, requester.user_id, version)
        if algorithm != backup.algorithm:
            raise errors.InvalidParam("algorithm is not that of the backup")
        key_backups.put_auth_data(txn, backup.backup_nid, text)


def delete_version(app: App, requester: Requester, version: str) -> None:
    """A backup with all its keys. It may be deleted already."""
    number = _number(version)
    with app.database.transaction() as txn:
        last = key_backups.lock(txn, requester.user_id)
        if number is None or last is None or number > last:
            raise _no_backup()
        backup = key_backups.get(txn, requester.user_id, number)
        if backup is not None:
            key_backups.delete(txn, backup.backup_nid)


def put_keys(app: App, requester: Requester, version: str, rooms: Rooms) -> dict[str, Any]:
    """Put keys into the current backup, each unless a better one is there. All or none. Raises
    WrongRoomKeysVersion for a backup that is not the current one.
    """
    keys = list(_checked(rooms))
    with app.database.transaction() as txn:
        backup = _lock_current(txn, requester.user_id, version)
        kept = new = 0
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[start : start + KEYS_AT_ONCE]
            some_kept, some_new = key_backups.put_keys(txn, backup.backup_nid, some)
            kept, new = kept + some_kept, new + some_new
        return _change_counts(txn, backup, is_changed=kept > 0, more_keys=new)


def get_keys(
    app: App, requester: Requester, version: str, room_id: str | None = None
) -> dict[str, dict[str, Any]]:
    """room_id -> {"sessions": session_id -> key}, of all rooms or of one."""
    rooms: dict[str, dict[str, Any]] = {}
    with app.database.snapshot() as txn:
        backup = _get(txn, requester.user_id, version)
        if backup is None:
            raise _no_backup()
        after = ("", "")
        while True:
            keys = key_backups.list_keys(txn, backup.backup_nid, room_id, after, KEYS_AT_ONCE)
            for key in keys:
                room = rooms.setdefault(key.room_id, {"sessions": {}})
                room["sessions"][key.session_id] = _as_json(key)
            if len(keys) < KEYS_AT_ONCE:
                return rooms
            after = keys[-1][:2]


def get_key(
    app: App, requester: Requester, version: str, room_id: str, session_id: str
) -> dict[str, Any]:
    number = _number(version)
    key = None
    if number is not None:
        with app.database.read() as txn:
            key = key_backups.get_key(txn, requester.user_id, number, room_id, session_id)
    if key is None:
        raise errors.NotFound("you have no such key, or no such backup")
    return _as_json(key)


def delete_keys(
    app: App,
    requester: Requester,
    version: str,
    room_id: str | None = None,
    session_id: str | None = None,
) -> dict[str, Any]:
    """All keys of a backup, those of a room, or one. It need not be the current backup, and there
    need be no such keys.
    """
    with app.database.transaction() as txn:
        backup = _lock(txn, requester.user_id, version)
        gone = key_backups.delete_keys(txn, backup.backup_nid, room_id, session_id)
        return _change_counts(txn, backup, is_changed=gone > 0, more_keys=-gone)


def _lock(txn: Any, user_id: str, version: str) -> Backup:
    key_backups.lock(txn, user_id)
    backup = _get(txn, user_id, version)
    if backup is None:
        raise _no_backup()
    return backup


def _lock_current(txn: Any, user_id: str, version: str) -> Backup:
    key_backups.lock(txn, user_id)
    current = key_backups.get_current(txn, user_id)
    if current is None:
        raise _no_backup()
    if version != str(current.version):
        # What is no backup of this user's at all is not an old one.
        if _get(txn, user_id, version) is None:
            raise _no_backup()
        raise errors.WrongRoomKeysVersion(str(current.version))
    return current


def _get(txn: Any, user_id: str, version: str) -> Backup | None:
    number = _number(version)
    return None if number is None else key_backups.get(txn, user_id, number)


def _number(version: str) -> int | None:
    """None for what no backup is called."""
    return int(version) if _VERSION.fullmatch(version) else None


def _no_backup() -> errors.NotFound:
    return errors.NotFound("you have no such backup")


def _change_counts(txn: Any, backup: Backup, *, is_changed: bool, more_keys: int) -> dict[str, Any]:
    """The answer to a change of keys. The etag stays where nothing has changed: to other devices
    it says whether they have everything.
    """
    if is_changed:
        etag, count = backup.etag + 1, backup.key_count + more_keys
        key_backups.put_counts(txn, backup.backup_nid, etag, count)
        return {"etag": str(etag), "count": count}
    return _counts(backup)


def _counts(backup: Backup) -> dict[str, Any]:
    return {"etag": str(backup.etag), "count": backup.key_count}


def _checked(rooms: Rooms) -> Iterator[Key]:
    for room_id, sessions in rooms.items():
        if not identifiers.is_room_id(room_id):
            raise errors.InvalidParam(f"rooms: {room_id[:255]!r} is not a room id")
        for session_id, data in sessions.items():
            if not 0 < _bytes(session_id) <= SESSION_ID_BYTES_MAX:
                raise errors.InvalidParam(
                    f"sessions: a session id has not 1 to {SESSION_ID_BYTES_MAX} bytes"
                )
            yield _checked_key(room_id, session_id, data)


def _checked_key(room_id: str, session_id: str, data: KeyData) -> Key:
    for name in ("first_message_index", "forwarded_count"):
        # Of one below nothing, no key would ever be better.
        if not 0 <= getattr(data, name) <= INTEGER_MAX:
            raise errors.BadJson(f"sessions.{session_id}.{name} is out of range")
    text = _small_json(
        f"sessions.{session_id}.session_data", data.session_data, SESSION_DATA_BYTES_MAX
    )
    return Key(
        room_id, session_id, data.first_message_index, data.forwarded_count, data.is_verified, text
    )


def _small_json(name: str, value: dict[str, Any], bytes_max: int) -> str:
    encoded = _encode(value)
    if len(encoded) > bytes_max:
        raise errors.TooLarge(f"{name} has more than {bytes_max} bytes")
    return encoded.decode()


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _as_json(key: Key) -> dict[str, Any]:
    return {
        "first_message_index": key.first_message_index,
        "forwarded_count": key.forwarded_count,
        "is_verified": key.is_verified,
        "session_data": msgspec.Raw(key.session_data),
    }
