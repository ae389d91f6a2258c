"""Where Synapse 1.163 leaves the specification, as far as random rooms show it.

Each deviation is written on top of the literal reading, so that a difference between Soma and
Synapse is either one of these, to the letter, or a fault. What both do alike beside the letter is
in the literal reading itself.
"""

from collections.abc import Mapping

from impl.core import identifiers
from impl.core.auth import power_levels, rules
from impl.core.auth.selection import POWER_LEVELS
from impl.core.auth.state import AuthState
from impl.core.event import Event, StateKey
from impl.core.power_levels import creators_of
from impl.core.rejection import Rejected
from tests.state_resolution.literal import Literal

# What is rejected is never let into state, nor believed where it is state already. By the
# specification it gets in if it is allowed by then ("Rejected events"); Synapse's comment says so.
REJECTED = "a rejected event stays out of state"
# m.room.create is a power event; in the specification it is none.
CREATE = "m.room.create is a power event"
# Where a room does not federate, a membership must also be about somebody of its own server. The
# specification looks at the sender.
TARGET = "no member of another server, whoever sent it"

# Levels under a state key are held against the levels that have been there under it, which nobody
# cites: so they may say what they like. The specification holds them against the room's levels.
# Nobody's power depends on them.
KEYED = "levels under a state key may say anything"

ALL = (REJECTED, CREATE, TARGET, KEYED)


def target_is_refused(event: Event, available: Mapping[StateKey, Event]) -> bool:
    """TARGET; the creator's own first join comes before the check."""
    create = available.get(("m.room.create", ""))
    if event.type != "m.room.member" or create is None:
        return False
    home = identifiers.server_name_of(create.sender)
    return (
        create.content.get("m.federate") is False
        and identifiers.server_name_of(event.state_key or "") != home
    )


def may_say_anything(event: Event, available: Mapping[StateKey, Event]) -> bool:
    """KEYED; who may not change levels at all may not do this either, and levels they must be."""
    levels = available.get(POWER_LEVELS)
    if event.type != "m.room.power_levels" or event.state_key == "" or levels is None:
        return False
    version = event.room_version
    others = {key: one for key, one in available.items() if key != POWER_LEVELS}
    # Levels with faults name creators, who have none.
    creators = creators_of(AuthState(others, version).create())
    has_none = creators if version.creators_outrank_all else set()
    users = {one: at for one, at in levels.content["users"].items() if one not in has_none}
    content = {**levels.content, "users": users}
    current = Event({**levels.pdu, "content": content}, version, levels.event_id)
    same = Event({**event.pdu, "content": content}, version, event.event_id)
    try:
        rules.check_state_dependent(same, {**others, POWER_LEVELS: current})
        power_levels.check(event, AuthState(others, version))
    except Rejected:
        return False
    return True


class AsSynapse(Literal):
    """The literal reading with some of the deviations."""

    def __init__(
        self, version: str, events: Mapping[str, Event], rejected: set[str], *deviations: str
    ) -> None:
        super().__init__(version, events, rejected)
        self.deviations = deviations

    def is_power_event(self, event_id: str) -> bool:
        if CREATE in self.deviations and self.events[event_id].type == "m.room.create":
            return True
        return super().is_power_event(event_id)

    def is_allowed(self, event: Event, available: Mapping[StateKey, Event]) -> bool:
        if TARGET in self.deviations and target_is_refused(event, available):
            return False
        if KEYED in self.deviations and may_say_anything(event, available):
            return True
        return super().is_allowed(event, available)

    def iterative_auth_checks(
        self, start: Mapping[StateKey, str], ordered: list[str]
    ) -> dict[StateKey, str]:
        if REJECTED not in self.deviations:
            return super().iterative_auth_checks(start, ordered)
        believed = {key: one for key, one in start.items() if one not in self.rejected}
        accepted = [one for one in ordered if one not in self.rejected]
        return {**start, **super().iterative_auth_checks(believed, accepted)}
