"""One event asked against one state, with the rule that decided and what it looked at, in words.
Rooms, "Authorisation rules".
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from impl.core.auth import selection
from impl.core.auth.selection import CREATE, JOIN_RULES, POWER_LEVELS
from impl.core.auth.state import AuthState
from impl.core.event import Event, StateKey
from impl.core.power_levels import PowerLevels
from impl.core.rejection import Rejected
from impl.services.inspection import words

_MEMBERSHIPS = {
    "join": "is in the room",
    "invite": "is invited",
    "ban": "is banned",
    "knock": "knocks",
    "leave": "has left",
}


@dataclass(frozen=True, slots=True)
class Consulted:
    """A piece of state that the rules look at; no event: there is none."""

    type: str
    state_key: str
    event_id: str | None
    says: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that was broken, and where it stands in the source."""

    rule: str
    where: str


def refusal(ask: Callable[[], None]) -> Refusal | None:
    """What a question to the rules is answered with; None: it is allowed."""
    try:
        ask()
    except Rejected as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        path = last.filename.replace("\\", "/").rpartition("/impl/")[2]
        return Refusal(str(error), f"impl/{path}:{last.lineno}, {last.name}")
    return None


def consulted(event: Event, state: Mapping[StateKey, Event]) -> list[Consulted]:
    """What the rules look at for such an event, as a state has it."""
    if event.type == CREATE[0]:
        return []
    keys = selection.auth_types(
        event.room_version, event.type, event.sender, event.state_key, event.content
    )
    ordered = dict.fromkeys([CREATE, POWER_LEVELS, *keys])
    return [_consulted(event, key, state) for key in ordered]


def _consulted(event: Event, key: StateKey, state: Mapping[StateKey, Event]) -> Consulted:
    found = state.get(key)
    if key == POWER_LEVELS:
        says = _levels(event, state)
    elif key == JOIN_RULES:
        says = f"the join rule is {AuthState(state, event.room_version).join_rule()}"
    elif key[0] == "m.room.member":
        says = _membership(key[1], found)
    elif found is None:
        says = "there is none"
    else:
        says = words.of(found)
    return Consulted(*key, found.event_id if found is not None else None, says)


def _membership(user_id: str, found: Event | None) -> str:
    if found is None:
        return f"{user_id} was never in the room"
    membership = found.membership
    known = _MEMBERSHIPS.get(membership) if isinstance(membership, str) else None
    says = f"{user_id} {known or f'has the membership {membership}'}"
    return says if found.sender == user_id else f"{says}, by {found.sender}"


def _levels(event: Event, state: Mapping[StateKey, Event]) -> str:
    """The levels that matter for the event: whose, and how much it takes."""
    levels = PowerLevels.of(state.get(POWER_LEVELS), state.get(CREATE), event.room_version)
    parts = [f"{event.sender} has {words.level(levels.user(event.sender))}"]
    if event.type == "m.room.member":
        parts += _levels_of_membership(event, levels)
    elif event.type == "m.room.third_party_invite":
        parts.append(f"an invite takes {levels.invite}")
    else:
        parts.append(f"{event.type} takes {levels.event(event.type, is_state=event.is_state)}")
    if event.type == "m.room.redaction" and event.room_version.redactions_need_power:
        parts.append(f"redacting others takes {levels.redact}")
    if levels.content is None:
        parts.append("there is no m.room.power_levels event, so these are the defaults")
    return "; ".join(parts)


def _levels_of_membership(event: Event, levels: PowerLevels) -> list[str]:
    target, membership = event.state_key or "", event.membership
    parts = []
    if target != event.sender:
        parts.append(f"{target} has {words.level(levels.user(target))}")
    if membership == "ban":
        parts.append(f"a ban takes {levels.ban}")
    elif membership == "leave" and target != event.sender:
        parts.append(f"a kick takes {levels.kick}, lifting a ban {levels.ban}")
    elif membership == "invite":
        parts.append(f"an invite takes {levels.invite}")
    authoriser = event.content.get("join_authorised_via_users_server")
    if membership == "join" and isinstance(authoriser, str):
        level = words.level(levels.user(authoriser))
        parts.append(
            f"{authoriser}, who vouches for it, has {level}; an invite takes {levels.invite}"
        )
    return parts
