"""An event that was made elsewhere: is it allowed, and where does it stand? S-S API, "Checks
performed on receipt of a PDU".

Its format, hash and signatures were checked before. The rules are asked three times: of what the
event cites, of the state before it, and of the current state. What fails one of the first two is
rejected: kept, so that what refers to it can be judged, and part of no state. What fails only the
third is soft-failed: it counts where it stands, but nothing of ours is put on top of it, and
clients are not shown it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from impl import breath, errors
from impl.core import identifiers
from impl.core.auth.selection import CREATE, POWER_LEVELS
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.services.room_events import looking_ahead, lookup, state_before
from impl.services.room_events.judging import Judging
from impl.services.room_events.open_room import OpenRoom, Placed
from impl.services.room_events.submission import Received
from impl.storage import memberships
from impl.storage.events import StoredEvent

REDACTION = "m.room.redaction"

# After so many the worker's other requests have their turn: a large room comes in one submission.
BREATH_EVENTS = 50
# A reason that the rules do not know.
SECOND_CREATE = "the room has another create event"
# Of the rejected and soft-failed events below an event so many are looked at, for what it covers: a
# branch too many is no harm.
COVERED_MAX = 500


def append(
    room: OpenRoom, received: Sequence[Received], sent_by: tuple[str, str] | None = None
) -> list[str]:
    """Keep the events, in their order, and return their ids. `sent_by`: by which device of ours,
    and its transaction id, where that is all that they are.

    Raises MissingEvents where what one cites is not here, or neither what it stands on nor a state;
    BadJson for an event of another room; Forbidden for what must be allowed and is not.
    """
    if not received:
        return []
    receiving = _Receiving(room, received, sent_by)
    # Of history, from the newest on, what has its state from what stands on it; and then the other
    # way, what has it from what it stands on.
    later: list[Received] = []
    for number, one in enumerate(received, 1):
        if one.is_backfilled and not receiving.has_state_from_above(one.event):
            later.append(one)
        else:
            receiving.append(one)
        if number % BREATH_EVENTS == 0:
            breath.take()
    for one in reversed(later):
        receiving.append(one)
    return [one.event.event_id for one in received]


class _Receiving:
    """Some events that are appended one after the other, and what is known of them beforehand."""

    def __init__(
        self, room: OpenRoom, received: Sequence[Received], sent_by: tuple[str, str] | None
    ) -> None:
        self._room = room
        self._sent_by = sent_by
        placed = [one.event for one in received if not one.is_outlier]
        if not room.looked_up.issuperset(one.event_id for one in placed) or not placed:
            looking_ahead.look_ahead(room.txn, [(room, received)])
        room.app.state_keys.intern(room.txn, [one.key for one in placed if one.is_state])
        # Redactions that wait for their events, and events that others stand on already.
        self._waiting = {
            one.event_id: list(room.pending_redactions.get(one.event_id, ())) for one in placed
        }
        self._below = set(room.stood_on)
        for appended in room.appended:
            self._note(appended.placed, appended.new.event_nid)

    def has_state_from_above(self, event: Event) -> bool:
        """Whether the state before an event of history is known from what stands on it."""
        return not event.is_state and event.event_id in self._room.states_below

    def append(self, received: Received) -> None:
        room, event = self._room, received.event
        if event.room_id != room.head.room.room_id:
            raise errors.BadJson("room_id: the event is of another room")
        known = lookup.find_any(room, [event.event_id]).get(event.event_id)
        if lookup.is_here(known) and (known.state_before is not None or received.is_outlier):
            # It was here before.
            if received.must_be_allowed:
                _refuse_unallowed(known.rejected_reason, known.is_soft_failed)
            return
        placed = self._place(received, known)
        if received.must_be_allowed:
            _refuse_unallowed(placed.rejected_reason, placed.is_soft_failed)
        room.append(placed)
        self._note(placed, room.new_nids[event.event_id])

    def _place(self, received: Received, known: StoredEvent | None) -> Placed:
        room, event = self._room, received.event
        auth_events = lookup.find(room, event.auth_event_ids)
        lookup.refuse_missing(event.auth_event_ids, auth_events)
        auth_event_nids = [auth_events[event_id].event_nid for event_id in event.auth_event_ids]
        lacks_members = received.lacks_members or room.head.is_partial
        judging = Judging(room, event, auth_events, lacks_members)
        reason = _refusal_as_create(room, event) or judging.refusal_by_auth_events()
        event_nid = known.event_nid if known is not None else None
        came_alone = known is not None and not lookup.is_here(known)
        if received.is_outlier:
            outlier = Placed(event, auth_event_nids, None, rejected_reason=reason)
            return replace(outlier, event_nid=event_nid, came_alone=came_alone)

        prev_events = lookup.find(room, event.prev_event_ids)
        before = state_before.find(room, received, prev_events)
        root = before.root
        reason = reason or judging.refusal_by_state(root)
        starts_anew = received.starts_anew and not _is_resident(room)
        is_soft_failed = reason is None and (
            received.is_discouraged
            or (not starts_anew and _is_soft_failed(judging, received, root))
        )
        is_accepted = reason is None and not is_soft_failed
        redacts_nid, redacts_later = None, None
        if event.type == REDACTION and is_accepted:
            redacts_nid, redacts_later = _redacted(room, event, root)
        redacted_by, shows_nid = _redacted_by(room, known), None
        if redacted_by is None:
            redacted_by = shows_nid = self._redaction_that_waited(event)
        return Placed(
            event,
            auth_event_nids,
            root,
            covers=_covers(room, event, prev_events, starts_anew) if is_accepted else (),
            rejected_reason=reason,
            is_soft_failed=is_soft_failed,
            # A redaction is shown once it has redacted something.
            is_hidden=redacts_later is not None,
            redacts_nid=redacts_nid,
            redacts_later=redacts_later,
            redacted_by_nid=redacted_by,
            shows_nid=shows_nid,
            event_nid=event_nid,
            is_received=True,
            is_backfilled=received.is_backfilled,
            above_nid=before.above_nid,
            told_root=before.told_root,
            missing=[
                one for one in event.prev_event_ids if not lookup.has_place(prev_events.get(one))
            ],
            is_below=event.event_id in self._below,
            sent_by=self._sent_by,
            is_outgoing=received.is_outgoing,
            came_alone=came_alone,
        )

    def _note(self, placed: Placed, event_nid: int) -> None:
        """What is not written yet."""
        if placed.redacts_later is not None:
            self._waiting.setdefault(placed.redacts_later, []).append(event_nid)
        if placed.is_accepted:
            self._below.update(placed.missing)
        if placed.state_before is not None:
            state_before.note(self._room, placed.event, event_nid, placed.state_before)

    def _redaction_that_waited(self, event: Event) -> int | None:
        room = self._room
        stored = room.stored_by_nid(self._waiting.get(event.event_id, ()))
        for nid, redaction in sorted(stored.items()):
            root = redaction.state_before
            if root is not None and _may_redact(room, redaction.event, root, event):
                return nid
        return None


def _refuse_unallowed(rejected_reason: str | None, is_soft_failed: bool) -> None:
    if rejected_reason is not None:
        raise errors.Forbidden(f"the event is rejected {rejected_reason}")
    if is_soft_failed:
        raise errors.Forbidden("the room's current state does not allow the event")


def _refusal_as_create(room: OpenRoom, event: Event) -> str | None:
    """The rules know a room by its create event, so they cannot say that there is one already."""
    if event.type != CREATE[0]:
        return None
    known = room.state_nids([CREATE]).get(CREATE)
    return SECOND_CREATE if known is not None and known != room.find_nid(event.event_id) else None


def _is_soft_failed(judging: Judging, received: Received, root: int) -> bool:
    # What is allowed now says nothing of history; and where members are not known, nobody knows.
    if received.is_backfilled or judging.room.head.is_partial:
        return False
    return judging.is_soft_failed(root, is_over_gap=received.state_before is not None)


def _is_resident(room: OpenRoom) -> bool:
    """Is anybody of ours in the room?"""
    server_name = room.app.server_name
    return bool(memberships.list_joined_of_server(room.txn, room.room_nid, server_name, 1))


def _covers(
    room: OpenRoom, event: Event, prev_events: Mapping[str, StoredEvent], starts_anew: bool
) -> set[str]:
    if starts_anew:
        return {event_id for _, event_id in room.extremities}
    return _covered(room, event, prev_events)


def _covered(room: OpenRoom, event: Event, prev_events: Mapping[str, StoredEvent]) -> set[str]:
    """The extremities that the event stands on: also through events that never became one."""
    extremities = {event_id for _, event_id in room.extremities}
    covered = set(event.prev_event_ids)
    level = dict(prev_events)
    while level and len(covered) < COVERED_MAX and not extremities <= covered:
        following = {
            prev
            for one in level.values()
            if one.is_soft_failed or one.rejected_reason is not None
            for prev in one.event.prev_event_ids
        }
        following -= covered
        covered |= following
        level = lookup.find(room, following)
    return covered & extremities


def _redacted(room: OpenRoom, event: Event, root: int) -> tuple[int | None, str | None]:
    """What a redaction redacts now, or what it is to be kept for."""
    event_id = event.redacts
    if event_id is None:
        return None, None
    target = lookup.find(room, [event_id]).get(event_id)
    if target is None or not _may_redact(room, event, root, target.event):
        return None, event_id
    return target.event_nid, None


def _redacted_by(room: OpenRoom, known: StoredEvent | None) -> int | None:
    """What redacted an outlier before it got its place."""
    if known is None:
        return None
    # In this transaction, or before it.
    found = [one for one in room.appended if one.placed.redacts_nid == known.event_nid]
    return found[0].new.event_nid if found else known.redacted_by_nid


def _may_redact(room: OpenRoom, redaction: Event, root: int, target: Event) -> bool:
    """Rooms, version 3, "Handling redactions": by power, or by an event's own server."""
    server_name = identifiers.server_name_of(redaction.sender)
    if server_name and server_name == identifiers.server_name_of(target.sender):
        return True
    state = room.state_events([CREATE, POWER_LEVELS], root)
    levels = PowerLevels.of(state.get(POWER_LEVELS), state.get(CREATE), redaction.room_version)
    return levels.user(redaction.sender) >= levels.redact
