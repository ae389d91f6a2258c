"""`soma room why`: was an event accepted, by which check, and what became of it. S-S API, "Checks
performed on receipt of a PDU".

What was decided when the event came is stored with it. Beside that the rules are asked again, now:
of what the event cites, of the state before it, and of the current state. The first two must come
to the same as then; the third may not, for the current state has moved on."""

from collections.abc import Mapping
from dataclasses import dataclass

from impl.core.auth import rules, selection
from impl.core.auth.selection import CREATE
from impl.core.event import Event, StateKey
from impl.services.inspection.checks import Consulted, Refusal, consulted, refusal
from impl.services.inspection.fate import Fate, fate_of
from impl.services.inspection.inspected_room import Brief, InspectedRoom
from impl.services.room_events.receive import SECOND_CREATE
from impl.storage import timeline
from impl.storage.events import StoredEvent

CITED = "what it cites"
BEFORE = "the state before it"
CURRENT = "the current state"


@dataclass(frozen=True, slots=True)
class Check:
    """One of the three, asked now. `is_allowed` is None where it cannot be asked; `remark` says
    why, or what it means.
    """

    name: str
    is_allowed: bool | None
    rule: str | None
    where: str | None
    consulted: list[Consulted]
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    room_id: str
    version: str
    event: Brief
    prev_events: list[Brief]
    auth_events: list[Brief]
    # The reason of a rejection, as it was stored; it begins with the check that failed.
    rejected_reason: str | None
    checks: list[Check]
    # What was stored is what the first two checks say now.
    agrees: bool
    is_shown_to_clients: bool
    redacted_by: Brief | None
    # Of a state event: where it is now.
    fate: Fate | None


def verdict(room: InspectedRoom, name: str) -> Verdict:
    stored = room.event(name)
    event = stored.event
    checks = [_cited(room, stored), _before(room, stored), _current(room, stored)]
    is_refused_now = any(one.is_allowed is False for one in checks[:2])
    is_refused_now |= stored.rejected_reason == SECOND_CREATE
    place = timeline.get_of_event(room.txn, room.room_nid, stored.event_nid, event.depth)
    redaction = None
    if stored.redacted_by_nid is not None:
        redaction = room.brief(room.stored([stored.redacted_by_nid])[stored.redacted_by_nid])
    return Verdict(
        room_id=room.room.room_id,
        version=room.room.room_version,
        event=room.brief(stored),
        prev_events=room.briefs(event.prev_event_ids),
        auth_events=room.briefs(event.auth_event_ids),
        rejected_reason=stored.rejected_reason,
        checks=checks,
        agrees=is_refused_now == (stored.rejected_reason is not None),
        is_shown_to_clients=place is not None,
        redacted_by=redaction,
        fate=fate_of(room, stored, place) if event.is_state else None,
    )


def _cited(room: InspectedRoom, stored: StoredEvent) -> Check:
    event = stored.event
    wanted = list(event.auth_event_ids)
    create_id = None
    if event.room_version.room_id_is_create_hash and event.type != CREATE[0]:
        create_id = "$" + event.room_id[1:]
        wanted.append(create_id)
    found = room.by_id(wanted)
    rejected = {one.event_id for one in found.values() if one.rejected_reason is not None}
    cited = {one: found[one].event for one in event.auth_event_ids if one in found}
    state = {one.key: one for one in cited.values() if one.is_state}
    if create_id in found:
        state[CREATE] = found[create_id].event

    def ask() -> None:
        rules.check_state_independent(event, cited, rejected)
        rules.check_state_dependent(event, state)

    return _check(CITED, event, state, refusal(ask))


def _before(room: InspectedRoom, stored: StoredEvent) -> Check:
    root = stored.state_before
    if root is None:
        remark = "it is an outlier: it has no place in the graph, and no state before it"
        return Check(BEFORE, None, None, None, [], remark)
    state = _auth_state(room, stored.event, root)
    return _check(
        BEFORE,
        stored.event,
        state,
        refusal(lambda: rules.check_state_dependent(stored.event, state)),
    )


def _current(room: InspectedRoom, stored: StoredEvent) -> Check:
    state = _auth_state(room, stored.event, room.open.head.current_state_root)
    refused = refusal(lambda: rules.check_state_dependent(stored.event, state))
    if stored.rejected_reason is not None or stored.state_before is None:
        remark = "this was not asked when the event came: it is for those that pass the others"
    elif stored.is_soft_failed:
        remark = "this check failed when the event came, by what the current state was then"
        if refused is None:
            remark += "; by now it would pass"
    elif refused is not None:
        remark = "this says nothing against the event: it was checked when it came, and passed"
    else:
        remark = None
    return _check(CURRENT, stored.event, state, refused, remark)


def _auth_state(room: InspectedRoom, event: Event, root: int) -> Mapping[StateKey, Event]:
    wanted = selection.auth_types(
        event.room_version, event.type, event.sender, event.state_key, event.content
    )
    return room.open.state_events({*wanted, CREATE}, root)


def _check(
    name: str,
    event: Event,
    state: Mapping[StateKey, Event],
    refused: Refusal | None,
    remark: str | None = None,
) -> Check:
    return Check(
        name,
        refused is None,
        refused.rule if refused else None,
        refused.where if refused else None,
        consulted(event, state),
        remark,
    )
