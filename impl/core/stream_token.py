"""The tokens that clients hold: `since`, `next_batch`, `from`, `to`, `prev_batch`.

C-S API, "Pagination" and "Syncing".

`s<position>` is a place in the stream: after what has this position. `s<position>_<start>` is the
same, and says where the chain of syncs that led there began. Either may end in
`_d<to_device>`: the client was told of send-to-device messages, up to this position.
`t<topological>_<position>` is a place in a room's history: after the event that has these two,
before all that follow in the order of the pair. Wherever a place in history is asked for, one in
the stream will do. A number is written in one way only.
"""

import re
from dataclasses import dataclass

from impl.core.rejection import Malformed

_NUMBER_MAX = 2**63 - 1
_NATURAL = "(0|[1-9][0-9]{0,18})"
_SYNC = re.compile(f"s{_NATURAL}(?:_{_NATURAL})?(?:_d{_NATURAL})?", re.ASCII)
_HISTORY = re.compile("t" + _NATURAL + "_(0|-?[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SyncToken:
    """A place in the stream. `start`: that of the sync without `since` from which one came here.
    `to_device`: how far send-to-device messages were told, if any were; see sync/to_device.py.
    """

    position: int
    start: int | None = None
    to_device: int | None = None

    def __str__(self) -> str:
        start = "" if self.start is None else f"_{self.start}"
        to_device = "" if self.to_device is None else f"_d{self.to_device}"
        return f"s{self.position}{start}{to_device}"


@dataclass(frozen=True, slots=True, order=True)
class HistoryToken:
    """A place in a room's history; in the order of history."""

    topological: int
    position: int

    def __str__(self) -> str:
        return f"t{self.topological}_{self.position}"


def parse(token: object) -> SyncToken | HistoryToken:
    """A token of either kind."""
    if isinstance(token, str):
        if match := _SYNC.fullmatch(token):
            start, to_device = (None if one is None else _number(one) for one in match.group(2, 3))
            return SyncToken(_number(match[1]), start, to_device)
        if match := _HISTORY.fullmatch(token):
            return HistoryToken(_number(match[1]), _number(match[2]))
    raise Malformed("not a token of this server")


def parse_sync(token: object) -> SyncToken:
    """A place in the stream: what `since` must be."""
    found = parse(token)
    if not isinstance(found, SyncToken):
        raise Malformed("not a token of /sync")
    return found


def _number(digits: str) -> int:
    number = int(digits)
    if abs(number) > _NUMBER_MAX:
        raise Malformed("not a token of this server")
    return number
