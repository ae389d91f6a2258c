"""Whose keys a client must fetch anew, and whose it may forget. C-S API, "Tracking the device list
for a user".

Theory. A client follows the keys of everybody it shares a room with. In a window (since, up_to] of
the stream it is told `changed` of whoever

- changed their keys and shares a room with it,
- came to share one: they came into a room that it was in all the time, or it came into theirs, or
  it was not known before that they are in it,
- had their keys signed by its user on another device;

and `left` of whoever shares no room with it any more. Who came and went in a room that it was in is
the difference between the room's states at the two ends: nothing escapes this, whatever became of
the events between, and for most windows it is nothing, since a message changes no state. Encrypted
or not is not asked: the specification lets a server be as simple, and a room may become encrypted.

Who is in which room can only be read as of now, which may be later than `up_to`: who was told too
early that somebody came would never be told that they went. So what is read is taken back to
`up_to` by the same difference of states."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.core import state_trie, stream_token
from impl.core.rejection import Malformed
from impl.requester import Requester
from impl.services.sharing_news import SharingNews
from impl.storage import cross_signing, device_lists, sync_rooms
from impl.storage.state_differences import preload
from impl.storage.state_nodes import RoomNodes
from impl.storage.streams import NewsRow

_MEMBER = "m.room.member"
CROSSINGS_KEPT_MAX = 20_000

# Of the state of a room: roots at the two ends of a window.
Roots = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """What happened to a user in (since, up_to]; `before` and `after` are the rooms that they were
    in at the two ends.
    """

    user_id: str
    since: int
    up_to: int
    before: frozenset[int]
    after: frozenset[int]


@dataclass(frozen=True, slots=True)
class Lists:
    changed: list[str]
    left: list[str]


@dataclass(frozen=True, slots=True)
class _Crossings:
    """Who came into a room and who went between two of its states."""

    came: frozenset[str] = frozenset()
    went: frozenset[str] = frozenset()


class DeviceListNews(SharingNews):
    """Whose keys changed, in this worker's memory."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._signed: dict[str, int] = {}

    def is_about(self, row: NewsRow) -> bool:
        return row.of_devices

    def hear_other(self, row: NewsRow) -> None:
        if row.of_devices and row.user_id is not None:
            self._signed[row.user_id] = row.position

    def rooms_of(self, user_id: str, position: int) -> Collection[int]:
        # Whoever was in a room with them then is told, though they may have left since.
        with self._app.database.read() as txn:
            then = sync_rooms.list_joined_at(txn, user_id, position)
        return self._app.news.joined_rooms(user_id).union(then)

    def has_signed(self, user_id: str, since: int) -> bool:
        """Whether the user has signed somebody's keys after a position not below the floor."""
        return self._signed.get(user_id, 0) > since

    def forget_all(self) -> None:
        self._signed.clear()


class _Kept:
    """What this worker has found: states do not change."""

    def __init__(self, app: App) -> None:
        self.crossings: OrderedDict[tuple[int, int], _Crossings] = OrderedDict()

    def keep(self, roots: Roots, found: _Crossings) -> None:
        self.crossings[roots] = found
        if len(self.crossings) > CROSSINGS_KEPT_MAX:
            self.crossings.popitem(last=False)


def news(app: App) -> DeviceListNews:
    """This worker's."""
    return app.part(DeviceListNews, DeviceListNews)


def changes(app: App, requester: Requester, from_token: str, to_token: str) -> Lists:
    """What a client missed since a sync. `to_token` says that it knows of so much."""
    since, known = _read_token("from", from_token), _read_token("to", to_token)
    if max(since, known) > app.news.position:
        app.news.catch_up()
    up_to = app.news.position
    since = min(since, up_to)
    joined = app.news.joined_rooms(requester.user_id)
    with app.database.read() as txn:
        before = frozenset(sync_rooms.list_joined_at(txn, requester.user_id, since))
    return find(app, Window(requester.user_id, since, up_to, before, joined), {})


def find(app: App, window: Window, known: Mapping[int, Roots]) -> Lists:
    """`known`: the roots of rooms at the ends of the window, as far as somebody has read them."""
    user_id = window.user_id
    gained, lost = window.after - window.before, window.before - window.after
    moved = app.news.changed_rooms(window.before & window.after, window.since)
    came: set[str] = set()
    went: set[str] = set()
    roots = dict(known)
    with app.database.read() as txn:
        gained |= _completed(app, txn, window, moved)
        if missing := [nid for nid in moved if nid not in roots]:
            places = dict.fromkeys(missing, (window.since, window.up_to))
            roots |= _read_roots(txn, places)
        for crossings in _find_crossings(app, txn, {nid: roots[nid] for nid in moved}).values():
            came |= crossings.came
            went |= crossings.went
    heard, signed = _heard(app, window)
    if gained or lost or went or heard - {user_id}:
        with app.database.snapshot() as txn:
            at_end = _End(app, txn, window)
            came |= at_end.members_of(gained)
            if lost:
                went.update(device_lists.list_users_since(txn, list(lost), window.since))
            here = at_end.sharing(went | heard)
    else:
        here = set()
    changed = (came | (heard & here)) - {user_id} | signed
    if user_id in heard:
        changed.add(user_id)
    gone = went - here - {user_id}
    return Lists(sorted(changed - gone), sorted(gone))


def _completed(app: App, txn: Any, window: Window, room_nids: Collection[int]) -> set[int]:
    """Those of some rooms whose members are all known since the window began: who is in them had
    not been told of (storage/partial_rooms.py).
    """
    rooms = app.rooms.get_by_nids(txn, list(room_nids))
    wholes = {nid: room.whole_position for nid, room in rooms.items()}
    return {nid for nid, at in wholes.items() if at and window.since < at <= window.up_to}


class _End:
    """Who is in which room at the end of a window, as a snapshot tells that may be later."""

    def __init__(self, app: App, txn: Any, window: Window) -> None:
        self._txn = txn
        self._rooms = list(window.after)
        last = device_lists.list_moved_rooms(txn, self._rooms, window.up_to)
        self._later: Mapping[int, _Crossings] = {}
        if last:
            places = {nid: (window.up_to, position) for nid, position in last.items()}
            self._later = _find_crossings(app, txn, _read_roots(txn, places))
        self._not_yet = [(nid, one) for nid, found in self._later.items() for one in found.came]

    def members_of(self, room_nids: Collection[int]) -> set[str]:
        if not room_nids:
            return set()
        return device_lists.list_joined(self._txn, list(room_nids), self._not_yet) | self._still_in(
            room_nids
        )

    def sharing(self, user_ids: Collection[str]) -> set[str]:
        """Those of the users who are in one of the window's rooms."""
        if not user_ids:
            return set()
        found = device_lists.list_sharing(self._txn, list(user_ids), self._rooms, self._not_yet)
        return found | self._still_in(self._rooms).intersection(user_ids)

    def _still_in(self, room_nids: Collection[int]) -> set[str]:
        return {one for nid, found in self._later.items() if nid in room_nids for one in found.went}


def _heard(app: App, window: Window) -> tuple[set[str], set[str]]:
    """Those who changed their keys, whether they share a room or not; and those whose keys the user
    signed.
    """
    heard = news(app)
    user_id, since, up_to = window.user_id, window.since, window.up_to
    if since >= heard.floor:
        # Not only who shared a room when they changed: they may have come into one since.
        changed = set(heard.list_recent(since, up_to))
        if not heard.has_signed(user_id, since):
            return changed, set()
        with app.database.read() as txn:
            return changed, set(cross_signing.list_signed(txn, user_id, since, up_to))
    with app.database.read() as txn:
        changed = set(device_lists.list_changed(txn, list(window.after), user_id, since, up_to))
        return changed, set(cross_signing.list_signed(txn, user_id, since, up_to))


def _read_roots(txn: Any, windows: Mapping[int, tuple[int, int]]) -> dict[int, Roots]:
    """Of rooms at two positions each."""
    places = [(nid, position) for nid, ends in windows.items() for position in ends]
    roots = sync_rooms.list_state_roots(txn, places)
    return {nid: (roots[nid, ends[0]], roots[nid, ends[1]]) for nid, ends in windows.items()}


def _find_crossings(app: App, txn: Any, roots: Mapping[int, Roots]) -> dict[int, _Crossings]:
    """room_nid -> who came and went, of the rooms whose state is another."""
    kept = app.part(_Kept, _Kept)
    found: dict[int, _Crossings] = {}
    new: dict[int, Roots] = {}
    for room_nid, ends in roots.items():
        if ends[0] != ends[1]:
            known = kept.crossings.get(ends)
            if known is not None:
                found[room_nid] = known
            else:
                new[room_nid] = ends
    if not new:
        return found
    preload(txn, app.state_nodes, new)
    differences = {
        nid: state_trie.diff(RoomNodes(txn, app.state_nodes, nid), *ends)
        for nid, ends in new.items()
    }
    names = app.state_keys.get_keys(txn, {key for one in differences.values() for key in one})
    members = {
        nid: {key: ends for key, ends in one.items() if names[key][0] == _MEMBER}
        for nid, one in differences.items()
    }
    wanted = {
        (nid, event_nid)
        for nid, one in members.items()
        for ends in one.values()
        for event_nid in ends
        if event_nid is not None
    }
    events = app.events.get_many(txn, list(wanted)) if wanted else {}
    joined = {nid for nid, one in events.items() if one.event.membership == "join"}
    for room_nid, one in members.items():
        was = {names[key][1] for key, (old, _) in one.items() if old in joined}
        is_now = {names[key][1] for key, (_, new_nid) in one.items() if new_nid in joined}
        crossings = _Crossings(frozenset(is_now - was), frozenset(was - is_now))
        kept.keep(new[room_nid], crossings)
        found[room_nid] = crossings
    return found


def _read_token(name: str, token: str) -> int:
    try:
        return stream_token.parse_sync(token).position
    except Malformed as error:
        raise errors.InvalidParam(f"{name} is not a token of /sync") from error
