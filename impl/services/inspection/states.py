"""`soma room state` and `diff`: the state at a place of the graph; what two states differ in."""

from dataclasses import dataclass
from typing import Any

from impl.core import state_trie
from impl.services.inspection.inspected_room import Brief, InspectedRoom, shown


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a key."""

    event: Brief
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    room_id: str
    # current, or before or after an event
    where: str
    event_id: str | None
    # How many there are, those that were not asked for included.
    size: int
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Change:
    """A key at which two states differ; None: one has nothing there."""

    type: str
    state_key: str
    before: Brief | None
    after: Brief | None


@dataclass(frozen=True, slots=True)
class Difference:
    room_id: str
    before: Brief
    after: Brief
    changes: list[Change]


def state(
    room: InspectedRoom,
    where: str,
    event_name: str | None,
    event_type: str | None = None,
    state_key: str | None = None,
) -> State:
    """The current state, or the one before or after an event; of it a type or a key alone, if
    asked for.
    """
    event_id, root = None, room.open.head.current_state_root
    if event_name is not None:
        stored = room.event(event_name)
        event_id = stored.event_id
        root = room.state_root_after(stored)
        if where == "before":
            root = stored.state_before or state_trie.EMPTY
    entries = dict(state_trie.items(room.open.nodes, root))
    keys = room.app.state_keys.get_keys(room.txn, entries)
    wanted = {
        keys[key_nid]: nid
        for key_nid, nid in entries.items()
        if (event_type is None or keys[key_nid][0] == event_type)
        and (state_key is None or keys[key_nid][1] == state_key)
    }
    loaded = room.stored(wanted.values())
    found = [loaded[nid] for _, nid in sorted(wanted.items())]
    return State(
        room.room.room_id,
        where,
        event_id,
        len(entries),
        [Entry(room.brief(one), shown(one).content) for one in found],
    )


def difference(room: InspectedRoom, before_name: str, after_name: str) -> Difference:
    """Between the states after two events."""
    before, after = room.event(before_name), room.event(after_name)
    roots = room.state_root_after(before), room.state_root_after(after)
    changed = state_trie.diff(room.open.nodes, *roots)
    keys = room.app.state_keys.get_keys(room.txn, changed)
    stored = room.stored({nid for pair in changed.values() for nid in pair if nid is not None})
    briefs = {nid: room.brief(one) for nid, one in stored.items()}
    changes = [
        Change(*keys[key_nid], briefs.get(old or 0), briefs.get(new or 0))
        for key_nid, (old, new) in changed.items()
    ]
    changes.sort(key=lambda one: (one.type, one.state_key))
    return Difference(room.room.room_id, room.brief(before), room.brief(after), changes)
