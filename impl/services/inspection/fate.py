"""What became of a state event: it stands, it was replaced, or a state resolution dropped it.

The timeline keeps with each row the current state after it. So the moment at which an event left
the current state is found by halving, and at that moment there is either another event of the same
key, or one that joined or made a branch: then the states of the branches are resolved again, to see
what the rules said of the event."""

from dataclasses import dataclass

from impl.core import state_trie
from impl.core.event import StateKey
from impl.services.inspection import resolution
from impl.services.inspection.inspected_room import Brief, InspectedRoom
from impl.services.inspection.outcomes import Outcome
from impl.storage import room_inspection, timeline
from impl.storage.events import StoredEvent
from impl.storage.room_inspection import Moment
from impl.storage.timeline import Row


@dataclass(frozen=True, slots=True)
class Fate:
    """`kind`: current, replaced, dropped (by a resolution), or never (part of a current state).

    `by` is the event with which it happened: the one that replaced it, or the one at which the
    branches were resolved. `stands_now` is what the current state has at the key. `branches` are
    the events whose states were resolved, for `soma room resolve`."""

    kind: str
    reason: str
    by: Brief | None
    stands_now: Brief | None
    outcome: Outcome | None
    branches: list[str]


def fate_of(room: InspectedRoom, stored: StoredEvent, place: Row | None) -> Fate:
    """What became of a state event, given its place in the timeline."""
    key = stored.event.key
    now_nid = room.open.state_nids([key]).get(key)
    stands_now = room.brief(room.stored([now_nid])[now_nid]) if now_nid is not None else None
    if now_nid == stored.event_nid:
        return Fate("current", "it is in the current state", None, stands_now, None, [])
    reason = _why_never(stored, place)
    if reason is not None or place is None:
        return Fate("never", reason or "", None, stands_now, None, [])

    moment: Moment | None
    if _at(room, place.current_state_root, key) == stored.event_nid:
        moment = _when_it_left(room, stored, place)
    else:
        # It lost when it came, against another branch.
        moment = Moment(place.position, place.event_nid, place.current_state_root)
    if moment is None:
        return Fate("dropped", "the timeline does not tell when", None, stands_now, None, [])
    by = room.stored([moment.event_nid])[moment.event_nid]
    if by.event.is_state and by.event.key == key and by.event_nid != stored.event_nid:
        if _at(room, moment.current_state_root, key) == by.event_nid and _stood_before(
            room, by, stored
        ):
            reason = "another event of its key was set on top of it"
            return Fate("replaced", reason, room.brief(by), stands_now, None, [])
    return _dropped(room, stored, moment, by, stands_now)


def _why_never(stored: StoredEvent, place: Row | None) -> str | None:
    """Why it cannot have been in a current state."""
    if stored.rejected_reason is not None:
        return "it was rejected, and is part of no state"
    if stored.state_before is None:
        return "it is an outlier, and is part of no state that was worked out here"
    if stored.is_soft_failed:
        return (
            "it was soft-failed: it counts in the states of events on top of it, and comes into"
            " the current state only through one of those"
        )
    if place is None:
        return "it is not in the timeline, which would tell what became of it"
    return None


def _when_it_left(room: InspectedRoom, stored: StoredEvent, place: Row) -> Moment | None:
    """The first row of the timeline after which the key has another event, or none. Should it have
    left more than once, one of these times.
    """
    key, stood = stored.event.key, place.position
    left = room_inspection.get_last_position(room.txn, room.room_nid)
    while left - stood > 1:
        middle = (stood + left) // 2
        root = timeline.get_state_root_at(room.txn, room.room_nid, middle)
        if root is not None and _at(room, root, key) == stored.event_nid:
            stood = middle
        else:
            left = middle
    return room_inspection.get_moment_after(room.txn, room.room_nid, stood)


def _at(room: InspectedRoom, root: int, key: StateKey) -> int | None:
    return room.open.state_nids([key], root).get(key)


def _stood_before(room: InspectedRoom, by: StoredEvent, stored: StoredEvent) -> bool:
    before = by.state_before or state_trie.EMPTY
    return _at(room, before, stored.event.key) == stored.event_nid


def _dropped(
    room: InspectedRoom,
    stored: StoredEvent,
    moment: Moment,
    by: StoredEvent,
    stands_now: Brief | None,
) -> Fate:
    branches = _branches(room, stored, moment, by)
    if not branches:
        reason = "it left the current state here; which branches met then cannot be told any more"
        return Fate("dropped", reason, room.brief(by), stands_now, None, [])
    replayed = resolution.replay(
        room, branches, compared=("the current state then", moment.current_state_root)
    )
    outcome = next(
        (one for one in replayed.outcomes if (one.type, one.state_key) == stored.event.key), None
    )
    losses = outcome.losers if outcome is not None else []
    reason = next((one.reason for one in losses if one.event.event_id == stored.event_id), "")
    if not reason:
        reason = "the branches were resolved here; the replay does not tell why it lost"
    elif replayed.deviations:
        reason += " (so a replay says, but it does not come to the state that was stored)"
    ids = [one.event_id for one in branches]
    return Fate("dropped", reason, room.brief(by), stands_now, outcome, ids)


def _branches(
    room: InspectedRoom, stored: StoredEvent, moment: Moment, by: StoredEvent
) -> list[StoredEvent]:
    """The events whose states were resolved, the lost event in one of these: those that the room
    then ended with, or those that `by` joined. None, if neither can be it.
    """
    ends = room.stored(room_inspection.list_ends_at(room.txn, room.room_nid, moment.position))
    for found in (ends.values(), room.by_id(by.event.prev_event_ids).values()):
        branches = [one for one in found if one.state_after is not None]
        states = {one.state_after: one for one in branches}
        has_it = any(
            _at(room, root, stored.event.key) == stored.event_nid for root in states if root
        )
        if len(states) > 1 and has_it:
            return branches
    return []
