"""`next_batch` of /search: after which result to go on, and in which group. C-S API, "Server Side
Search", "Pagination".
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.storage.search import Place

_NUMBER_MAX = 2**63 - 1
_GROUP_KEYS = ("room_id", "sender")


@dataclass(frozen=True, slots=True)
class Token:
    """`count`: what the first page said. `group_key` and `group_id`: within which group it goes
    on.
    """

    after: Place | None = None
    count: int | None = None
    group_key: str | None = None
    group_id: str | None = None


def write(token: Token) -> str:
    after = token.after
    place = (after.rank, after.sent_ts, after.event_nid) if after is not None else None
    written = msgspec.json.encode([place, token.count, token.group_key, token.group_id])
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def read(text: str) -> Token:
    """Raises InvalidParam for what is no such token."""
    try:
        padded = text + "=" * (-len(text) % 4)
        written = base64.b64decode(padded, altchars=b"-_", validate=True)
        return _of(*msgspec.json.decode(written))
    except (binascii.Error, ValueError, TypeError, msgspec.DecodeError, RecursionError) as error:
        raise errors.InvalidParam("next_batch is not a token of a search") from error


def _of(place: Any, count: Any, group_key: Any, group_id: Any) -> Token:
    numbers = [*(place if place is not None else ()), count if count is not None else 0]
    if any(type(one) is not int or abs(one) > _NUMBER_MAX for one in numbers):
        raise ValueError("not a number")
    if group_key is not None and (group_key not in _GROUP_KEYS or not isinstance(group_id, str)):
        raise ValueError("not a group")
    if isinstance(group_id, str) and "\0" in group_id:
        raise ValueError("not a group")
    return Token(Place(*place) if place is not None else None, count, group_key, group_id)
