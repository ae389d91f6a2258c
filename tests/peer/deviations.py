"""Where Synapse 1.163 leaves the specification, as far as random rooms show it.

Each deviation is written on top of the literal reading, so that a difference between Soma and
Synapse is either one of these, to the letter, or a fault.
"""

from collections.abc import Mapping

from impl.core import identifiers
from impl.core.event import Event, StateKey
from tests.state_resolution.literal import Literal

# What is rejected is never let into state, nor believed where it is state already. By the
# specification it gets in if it is allowed by then ("Rejected events"); Synapse's comment says so.
REJECTED = "a rejected event stays out of state"
# The chains of power events are followed only as far as events are in the full conflicted set. The
# specification takes all of the set that is in the auth chain, which may lead through others.
PATHS = "chains end where they leave the full conflicted set"
# m.room.create is a power event; in the specification it is none.
CREATE = "m.room.create is a power event"
# Where a room does not federate, a membership must also be about somebody of its own server. The
# specification looks at the sender.
TARGET = "no member of another server, whoever sent it"

ALL = (REJECTED, PATHS, CREATE, TARGET)


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

    def with_their_chains(self, chosen: set[str], full: set[str]) -> set[str]:
        if PATHS not in self.deviations:
            return super().with_their_chains(chosen, full)
        grown = set(chosen)
        while True:
            more = {a for one in grown for a in self.events[one].auth_event_ids if a in full}
            if more <= grown:
                return grown
            grown |= more

    def is_allowed(self, event: Event, available: Mapping[StateKey, Event]) -> bool:
        if TARGET in self.deviations and target_is_refused(event, available):
            return False
        return super().is_allowed(event, available)

    def iterative_auth_checks(
        self, start: Mapping[StateKey, str], ordered: list[str]
    ) -> dict[StateKey, str]:
        if REJECTED not in self.deviations:
            return super().iterative_auth_checks(start, ordered)
        believed = {key: one for key, one in start.items() if one not in self.rejected}
        accepted = [one for one in ordered if one not in self.rejected]
        return {**start, **super().iterative_auth_checks(believed, accepted)}
