"""The rooms that two users are both in. C-S API, "Mutual Rooms".

A page goes by the rooms' numbers, so that its token holds for ever, and a room that is joined in
between may be left out."""

import re
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.storage import memberships

PAGE_ROOMS = 100
_TOKEN = re.compile(r"m(0|[1-9][0-9]{0,17})", re.ASCII)


def get(app: App, requester: Requester, user_id: str, token: str | None) -> dict[str, Any]:
    """A page, as the response has it. Whoever is not a user shares no room with anybody."""
    if not identifiers.is_compliant_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")
    if user_id == requester.user_id:
        raise errors.InvalidParam("user_id is your own")
    after = _read_token(token)
    with app.database.read() as txn:
        shared = memberships.list_shared_room_nids(txn, requester.user_id, user_id)
        rest = [room_nid for room_nid in shared if room_nid > after]
        page = rest[:PAGE_ROOMS]
        rooms = app.rooms.get_by_nids(txn, page)
    found: dict[str, Any] = {
        "joined": [rooms[room_nid].room_id for room_nid in page],
        "count": len(shared),
    }
    if len(rest) > len(page):
        found["next_batch"] = f"m{page[-1]}"
    return found


def _read_token(token: str | None) -> int:
    if token is None:
        return -1
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise errors.InvalidParam("from is not a token of this endpoint")
    return int(found[1])
