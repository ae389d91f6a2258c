"""What a state resolution came to, key by key, with the reason in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from impl.core.event import Event, StateKey
from impl.services.inspection.inspected_room import Brief, InspectedRoom
from impl.state_resolution import StateMap, v1

# The event of a check, and why it was refused; None: it was allowed.
Verdict = tuple[Event, str | None]


@dataclass(frozen=True, slots=True)
class Loser:
    """An event that does not stand at its key, and why."""

    event: Brief
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands at a key in the end; None: nothing."""

    type: str
    state_key: str
    winner: Brief | None
    reason: str
    losers: list[Loser]


def outcomes(
    room: InspectedRoom,
    states: Sequence[StateMap],
    settled: Mapping[StateKey, str],
    verdicts: Sequence[Verdict],
) -> list[Outcome]:
    """For all keys that differed, and those that the resolution brought in by itself."""
    in_states: dict[StateKey, set[str]] = {}
    for state in states:
        for key, event_id in state.items():
            in_states.setdefault(key, set()).add(event_id)
    checked: dict[StateKey, list[Verdict]] = {}
    for verdict in verdicts:
        checked.setdefault(verdict[0].key, []).append(verdict)
    is_v1 = room.open.room_version.state_resolution == "v1"
    found = []
    for key in sorted({*in_states, *settled}):
        own, winner = checked.get(key, []), settled.get(key)
        candidates = in_states.get(key, set())
        if is_v1:
            reasons = _of_v1(room, winner, candidates, own)
        else:
            reasons = _of_v2(winner, candidates, own)
        lost = sorted((candidates | {event.event_id for event, _ in own}) - {winner})
        briefs = {one.event_id: one for one in room.briefs([*lost, *filter(None, [winner])])}
        found.append(
            Outcome(
                *key,
                briefs[winner] if winner is not None else None,
                reasons.won,
                [Loser(briefs[one], reasons.lost(one)) for one in lost],
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Why a key's winner won, and others lost; `unasked` is for those that were not checked."""

    won: str
    rules: Mapping[str, str | None]
    unasked: Mapping[str, str]

    def lost(self, event_id: str) -> str:
        if event_id not in self.rules:
            return self.unasked.get(event_id, "it was not asked: it cites itself in a circle")
        rule = self.rules[event_id]
        if rule is not None:
            return f"it was refused: {rule}"
        return "it was allowed, and another that is later in the order took its place"


def _of_v2(winner: str | None, candidates: set[str], own: Sequence[Verdict]) -> _Reasons:
    if winner is None:
        won = "none of its events was allowed, so the key is empty"
    elif winner not in candidates:
        won = "no state had it; it comes from the auth chains, and was the last that was allowed"
    elif len(candidates) == 1:
        won = "it was allowed, though not all states had it"
    else:
        won = "it was the last that was allowed"
    return _Reasons(won, {event.event_id: rule for event, rule in own}, {})


def _of_v1(
    room: InspectedRoom, winner: str | None, candidates: set[str], own: Sequence[Verdict]
) -> _Reasons:
    rules = {event.event_id: rule for event, rule in own}
    if len(candidates) == 1:
        won = "all states that have the key have it: no conflict in version 1"
    elif winner not in rules:
        won = "it is the oldest, and the next was refused"
    elif rules[winner] is not None:
        won = "none was allowed, so the oldest stays"
    else:
        won = "it is the newest that was allowed"
    stored = room.by_id(candidates)
    unasked = {}
    for number, event in enumerate(v1.oldest_first(one.event for one in stored.values())):
        if event.type not in v1.AUTH_TYPES:
            unasked[event.event_id] = "it was not asked: a newer one was allowed"
        elif number == 0:
            unasked[event.event_id] = "it is the oldest, and a newer one was allowed"
        else:
            unasked[event.event_id] = "it was not asked: an older one was refused, which ends it"
    return _Reasons(won, rules, unasked)
