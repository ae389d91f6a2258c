"""What the rooms of a sync will need from the database, read for all of them together.

Each room alone would do with a few statements, but a user may have thousands. What is read here
goes into the worker's caches, and whoever needs it finds it there; so nothing depends on this but
how long it takes."""

from collections.abc import Collection, Iterator
from typing import Any

from impl.core import state_trie
from impl.services import retention
from impl.services.sync.lazy_members import MEMBER
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import NAMING, RoomDelta
from impl.services.visibility import Sights
from impl.storage import state_nodes
from impl.storage.state_nodes import RoomNodes

# room_nid, root, keys of the state or None for all of it.
Path = tuple[int, int, Collection[int] | None]


def warm(sync: Sync, txn: Any, deltas: Collection[RoomDelta], sights: Sights) -> None:
    """For the timelines of rooms and the state that goes with them."""
    app = sync.app
    # One room that the client has already is nothing to gather for.
    if not any(one.after == 0 for one in deltas) and len(deltas) <= 1:
        return
    retention.preload(app, txn, [one.room_nid for one in deltas])
    own = list(sights.key_nids().values())
    own += app.state_keys.get_nids(txn, list(NAMING)).values()
    nids = app.state_keys.get_nids(txn, _keys(sync, deltas))
    paths = [path for one in deltas for path in _paths(sync, one, own, nids)]
    read = state_nodes.preload_paths(txn, app.state_nodes, paths)
    if sync.filter.state.lazy_load_members:
        app.state_keys.get_keys(txn, read)
    wanted = [
        (one.room_nid, event_nid)
        for one in deltas
        for event_nid in state_trie.get_many(
            RoomNodes(txn, app.state_nodes, one.room_nid), one.root_end, own
        ).values()
    ]
    app.events.get_many(txn, wanted)


def _keys(sync: Sync, deltas: Collection[RoomDelta]) -> set[tuple[str, str]]:
    stored = [event.event for one in deltas for event in one.events.values()]
    keys = {event.key for event in stored if event.is_state}
    if sync.filter.state.lazy_load_members:
        keys |= {(MEMBER, event.sender) for event in stored}
    return keys


def _paths(
    sync: Sync, delta: RoomDelta, own: list[int], nids: dict[tuple[str, str], int]
) -> Iterator[Path]:
    room_nid = delta.room_nid
    end = delta.root_end if sync.use_state_after else delta.root_start
    yield room_nid, delta.root_end, own
    if delta.after == 0 or sync.is_full_state:
        yield room_nid, end, None
    else:
        yield room_nid, delta.root_since, ()
        yield room_nid, end, ()
    for stored in delta.events.values():
        event = stored.event
        before = stored.state_before or state_trie.EMPTY
        # What the user may see of it.
        yield room_nid, before, own
        yield room_nid, stored.state_after or state_trie.EMPTY, own
        # What it replaced, and who sent it.
        if event.is_state and event.key in nids:
            yield room_nid, before, (nids[event.key],)
        if (MEMBER, event.sender) in nids:
            yield room_nid, end, (nids[MEMBER, event.sender],)
