"""When the workers of a machine last saw something of each user: a part of the workers' page.

Every poll says that its user is still there. To write that into the database each time would cost
more than all else that presence does, so it stands in memory that all workers share, as long as it
matters: the entry of a user who was not seen for an hour may be taken for another. Entries are
found by a hash of the user id, in one of the places that follow it. Two workers that write one
entry at once leave one of the two: a poll writes again every few seconds."""

from hashlib import blake2b
from struct import Struct
from typing import Protocol

from impl.core.presence import Seen

ENTRIES = 1 << 16
_WORDS = 8
BYTES = ENTRIES * _WORDS * 8
_PROBES = 32
FORGOTTEN_MS = 3_600_000

_KEY, _ACTIVE, _ONLINE, _ONLINE_DEVICE, _OTHER_ONLINE, _UNAVAILABLE = range(6)
_ONE = Struct("<Q").unpack


class Words(Protocol):
    """Unsigned integers of eight bytes, all zero at first."""

    def __getitem__(self, place: int, /) -> int: ...

    def __setitem__(self, place: int, word: int, /) -> None: ...


class SeenUsers:
    """The table; `words` are BYTES / 8."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def get(self, user_id: str) -> Seen | None:
        """None: nothing was seen of the user for long, or the table is full."""
        at = self._find(_hash(user_id))
        if at is None:
            return None
        words = self._words
        return Seen(words[at + _ACTIVE], words[at + _ONLINE], words[at + _UNAVAILABLE])

    def note_active(self, user_id: str, now_ms: int) -> None:
        """The user did something."""
        at = self._place(user_id, now_ms)
        if at is not None:
            self._words[at + _ACTIVE] = now_ms

    def note_online(self, user_id: str, device_id: str, now_ms: int) -> None:
        """A device is connected, and says that its user is online."""
        at = self._place(user_id, now_ms)
        if at is None:
            return
        words, device = self._words, _hash(device_id)
        if words[at + _ONLINE_DEVICE] != device:
            # Should this device be idle later, the newest of the others is what is left.
            words[at + _OTHER_ONLINE] = words[at + _ONLINE]
            words[at + _ONLINE_DEVICE] = device
        words[at + _ONLINE] = now_ms

    def note_unavailable(self, user_id: str, device_id: str, now_ms: int) -> None:
        """A device is connected, and says that its user is idle."""
        at = self._place(user_id, now_ms)
        if at is None:
            return
        words = self._words
        words[at + _UNAVAILABLE] = now_ms
        if words[at + _ONLINE_DEVICE] == _hash(device_id):
            words[at + _ONLINE] = words[at + _OTHER_ONLINE]
            words[at + _ONLINE_DEVICE] = words[at + _OTHER_ONLINE] = 0

    def _find(self, key: int) -> int | None:
        for at in _places(key):
            found = self._words[at + _KEY]
            if found == key:
                return at
            if found == 0:
                return None
        return None

    def _place(self, user_id: str, now_ms: int) -> int | None:
        """Where the user's entry is, or is to be."""
        key, words = _hash(user_id), self._words
        free = None
        for at in _places(key):
            found = words[at + _KEY]
            if found == key:
                return at
            if found == 0:
                free = at if free is None else free
                break
            newest = max(words[at + _ACTIVE], words[at + _ONLINE], words[at + _UNAVAILABLE])
            if free is None and newest < now_ms - FORGOTTEN_MS:
                free = at
        if free is not None:
            for word in range(1, _WORDS):
                words[free + word] = 0
            words[free + _KEY] = key
        return free


def _places(key: int) -> list[int]:
    return [((key + step) % ENTRIES) * _WORDS for step in range(_PROBES)]


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int(_ONE(digest)[0]) or 1
