"""The state before an event that was made elsewhere. S-S API, "Checks performed on receipt of a
PDU".

It follows from what the event stands on, where that is here. Where it is not, another server has to
tell. With history it is often known better: what stands on an event and on nothing else has the
state that the event left, and an event that is no state left it as it was."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from impl import breath
from impl.core import state_trie
from impl.core.auth.selection import CREATE
from impl.core.event import Event
from impl.services.room_events import lookup
from impl.services.room_events.open_room import OpenRoom
from impl.services.room_events.submission import MissingEvents, Received
from impl.storage.events import StoredEvent

# More changes of a map are made part by part, which leaves a node or two that nobody needs.
PART_CHANGES_MIN = 5_000


@dataclass(frozen=True, slots=True)
class StateBefore:
    """A state, and where it is from: the event that stands on this one, or what another server
    told, perhaps of a part of it; else from what the event stands on.
    """

    root: int
    above_nid: int | None = None
    told_root: int | None = None


def find(room: OpenRoom, received: Received, prev_events: Mapping[str, StoredEvent]) -> StateBefore:
    """Raises MissingEvents where it is not known."""
    event = received.event
    if received.is_backfilled and not event.is_state and event.event_id in room.states_below:
        return StateBefore(*room.states_below[event.event_id])
    if received.state_before is not None:
        return _told(room, received, received.state_before, prev_events)
    if event.type == CREATE[0]:
        return StateBefore(state_trie.EMPTY)
    placed = {
        event_id: one.state_after
        for event_id, one in prev_events.items()
        if one.state_after is not None
    }
    lookup.refuse_missing(event.prev_event_ids, placed)
    if not placed:
        raise MissingEvents([])  # It stands on nothing, and is no beginning.
    return StateBefore(room.merge(room, list(placed.values())))


def note(room: OpenRoom, event: Event, event_nid: int, root: int) -> None:
    """The state before an event, for what it stands on alone."""
    below = set(event.prev_event_ids)
    if len(below) == 1:
        room.states_below.setdefault(below.pop(), (root, event_nid))


def _told(
    room: OpenRoom,
    received: Received,
    event_ids: Collection[str],
    prev_events: Mapping[str, StoredEvent],
) -> StateBefore:
    """A state as another server tells it. Where the event stands on some of our events as well,
    what we know of these is resolved with it: else anybody could take from the room what they do
    not tell of.
    """
    event_id = received.event.event_id
    # What stands on it knows a state that is much the same.
    base, _ = room.states_below.get(event_id, (room.head.current_state_root, 0))
    told = root_of(room, event_ids, base)
    here = [one.state_after for one in prev_events.values() if one.state_after is not None]
    has_all = len(here) == len(set(received.event.prev_event_ids))
    is_enough = received.starts_anew or has_all or not here
    return StateBefore(told if is_enough else room.merge(room, [told, *here]), told_root=told)


def root_of(room: OpenRoom, event_ids: Collection[str], base: int) -> int:
    """The root of a state that is given by its events. Most of it stands in `base` as well: only
    what is different is looked at, and becomes nodes; in pieces, for a room may be large.
    """
    nids = room.find_nids(event_ids)
    lookup.refuse_missing(event_ids, nids)
    old = dict(state_trie.items(room.nodes, base))
    keys_of = {nid: key_nid for key_nid, nid in old.items()}
    same = {keys_of[nid] for nid in nids.values() if nid in keys_of}
    others = [event_id for event_id, nid in nids.items() if nid not in keys_of]
    changes: dict[int, int | None] = dict.fromkeys(key for key in old if key not in same)
    for piece in breath.pieces(others):
        changes |= _entries(room, piece)
    if len(changes) < PART_CHANGES_MIN:
        return state_trie.set_many(room.nodes, base, changes)
    root = base
    for part in breath.between(state_trie.parts(changes), 1):
        root = state_trie.set_many(room.nodes, root, part)
    return root


def _entries(room: OpenRoom, event_ids: Collection[str]) -> dict[int, int]:
    """What some events are in a state, by the numbers of their keys."""
    found = lookup.find(room, event_ids)
    lookup.refuse_missing(event_ids, found)
    state = {
        one.event.key: one.event_nid
        for one in found.values()
        # Whatever else another server may count among it. What is rejected stays out, even what was
        # refused by the state before it only, which "Rejected events" of the room versions would
        # let in again if it is allowed by then: whoever cites it would be rejected here all the
        # same. It takes a false state, told earlier, to get there.
        # COMPAT(Synapse 1.163): its resolution lets in nothing that is rejected (its issue 13797).
        if one.event.is_state and one.rejected_reason is None
    }
    key_nids = room.app.state_keys.intern(room.txn, list(state))
    return {key_nids[key]: nid for key, nid in state.items()}
