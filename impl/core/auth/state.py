"""What an event is checked against, read by the names that the rules use."""

from collections.abc import Mapping
from dataclasses import dataclass

from impl.core.auth.selection import CREATE, JOIN_RULES, POWER_LEVELS, StateKey, member
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.core.rejection import Rejected
from impl.core.room_version import RoomVersion


@dataclass(frozen=True, slots=True)
class AuthState:
    """A state before an event, or the part of it that the event cites."""

    events: Mapping[StateKey, Event]
    room_version: RoomVersion

    def create(self) -> Event:
        """Raises Rejected: without its create event nothing is allowed in a room."""
        create = self.events.get(CREATE)
        if create is None:
            raise Rejected("the room has no m.room.create event")
        return create

    def membership(self, user_id: str) -> str:
        """`leave` for whoever was never there."""
        event = self.events.get(member(user_id))
        membership = event.membership if event is not None else None
        return membership if isinstance(membership, str) else "leave"

    def join_rule(self) -> str:
        """C-S API, "m.room.join_rules": `invite` where there is none."""
        event = self.events.get(JOIN_RULES)
        join_rule = event.content.get("join_rule") if event is not None else None
        return join_rule if isinstance(join_rule, str) else "invite"

    def power_levels(self) -> PowerLevels:
        return PowerLevels.of(
            self.events.get(POWER_LEVELS), self.events.get(CREATE), self.room_version
        )
