"""What other servers say of spaces and rooms that this one is not in. S-S API, "Spaces".

Several clients draw the same space at once, each of them page by page: so a server is asked once
for all who wait, and what was heard is good for a while. Who waits no longer is answered without,
and the answer is kept all the same. That nobody knew the room is kept as well, though not for as
long: and not against somebody who has come into a room since, for which it may be shown to us now.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gevent
import msgspec
from gevent.event import AsyncResult
from gevent.lock import BoundedSemaphore

from impl.app import App
from impl.core import identifiers, told_rooms
from impl.core.rejection import Malformed
from impl.core.told_rooms import Hierarchy
from impl.outbound.failures import FederationFailure
from impl.services import out_of_band, room_reading
from impl.storage import room_servers

# Synapse's.
SERVERS_MAX = 3
KEPT_MS = 300_000
KEPT_MAX = 1_000
MISSING_KEPT_MS = 10_000
KEPT_BYTES_MAX = 16 << 20
# Of all clients of this worker.
REQUESTS_AT_ONCE = 50

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode

# The room, and whether only what is suggested in it is asked for.
_Key = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was told by one of some servers, or that none of them told anything."""

    until_ts: int
    servers: frozenset[str]
    told: Hierarchy | None
    size: int
    # In the stream, when they were asked.
    position: int

    @property
    def is_all(self) -> bool:
        """Whether nothing was kept from us."""
        return self.told is not None and not self.told.inaccessible


def ask(
    app: App,
    wanted: Mapping[str, Sequence[str]],
    *,
    user_id: str | None,
    is_suggested_only: bool,
    left_s: Callable[[], float],
) -> dict[str, Hierarchy]:
    """What servers say of rooms, room_id -> the servers to be asked; of those of which one of them
    says something in time. `user_id`: the user of ours who asks.
    """
    told = app.part(_Told, _Told)
    moved_at = app.news.user_position(user_id) if user_id is not None else 0
    waiting = {
        room_id: told.want((room_id, is_suggested_only), servers, moved_at)
        for room_id, servers in wanted.items()
    }
    gevent.wait(list(waiting.values()), timeout=left_s())
    found = {}
    for room_id, result in waiting.items():
        if result.ready() and result.value is not None:
            found[room_id] = result.value
    return found


def servers_for(
    app: App, txn: Any, room_id: str, user_id: str | None, via: Collection[str] = ()
) -> list[str]:
    """Servers that may know a room, those first that somebody named."""
    servers = list(via)
    room = room_reading.find_any(app, txn, room_id)
    if room is not None:
        invite = out_of_band.find(app, txn, room_id, user_id) if user_id is not None else None
        servers += [invite.via] if invite is not None else []
        servers += room_servers.list_of_room(txn, room.room_nid)
    # Since version 12 a room id names no server.
    if ":" in room_id:
        servers.append(identifiers.server_name_of(room_id))
    return servers


class _Told:
    """What this worker was told."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._size = 0
        self._asked: dict[_Key, AsyncResult] = {}
        self._greenlets: set[gevent.Greenlet] = set()
        self._places = BoundedSemaphore(REQUESTS_AT_ONCE)

    def want(self, key: _Key, servers: Sequence[str], moved_at: int) -> AsyncResult:
        """`moved_at`: a position after which the rooms of who asks have not changed."""
        kept, chosen = self._kept.get(key), self._choose(servers)
        if kept is not None and not kept.is_all and kept.position < moved_at:
            kept = None
        if kept is not None and kept.until_ts > self._app.now_ms():
            # Another server may know what these did not.
            if kept.told is not None or kept.servers.issuperset(chosen):
                known = AsyncResult()
                known.set(kept.told)
                return known
        result = self._asked.get(key)
        if result is None:
            result = self._asked[key] = AsyncResult()
            greenlet = gevent.spawn(self._ask, key, chosen, result)
            self._greenlets.add(greenlet)
            greenlet.link(self._greenlets.discard)
        return result

    def _choose(self, servers: Sequence[str]) -> list[str]:
        ours = self._app.server_name
        others = [one for one in servers if identifiers.is_server_name(one) and one != ours]
        return list(dict.fromkeys(others))[:SERVERS_MAX]

    def stop(self) -> None:
        gevent.killall(list(self._greenlets))

    def _ask(self, key: _Key, servers: Sequence[str], result: AsyncResult) -> None:
        found: Hierarchy | None = None
        position = self._app.news.position
        try:
            with self._places:
                found = self._first(key, servers)
            self._keep(key, servers, found, position)
        except Exception:
            _log.exception("what %s is cannot be found out", key[0])
        finally:
            del self._asked[key]
            result.set(found)

    def _first(self, key: _Key, servers: Sequence[str]) -> Hierarchy | None:
        room_id, is_suggested_only = key
        for server_name in servers:
            try:
                answer = self._app.federation.get_space_hierarchy(
                    server_name, room_id, is_suggested_only
                )
                return told_rooms.read_hierarchy(
                    answer, room_id, is_suggested_only=is_suggested_only
                )
            except (FederationFailure, Malformed) as failure:
                _log.info("%s is not told of by %s: %s", room_id, server_name, failure)
        return None

    def _keep(
        self, key: _Key, servers: Sequence[str], told: Hierarchy | None, position: int
    ) -> None:
        size = _size_of(told) if told is not None else 0
        if size > KEPT_BYTES_MAX // 4:
            return
        until_ts = self._app.now_ms() + (KEPT_MS if told is not None else MISSING_KEPT_MS)
        self._drop(key)
        self._kept[key] = _Kept(until_ts, frozenset(servers), told, size, position)
        self._size += size
        while len(self._kept) > KEPT_MAX or self._size > KEPT_BYTES_MAX:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: _Key) -> None:
        kept = self._kept.pop(key, None)
        self._size -= kept.size if kept is not None else 0


def _size_of(found: Hierarchy) -> int:
    shown = [found.summary, [one.stripped for one in found.children], found.summaries]
    return len(_encode([shown, list(found.inaccessible)]))
