"""A room in memory, for tests of the rules: real events, built and signed, on top of each other."""

from typing import Any

from impl.core import event_builder, identifiers, signing
from impl.core.auth import rules, selection
from impl.core.event import Event, StateKey
from impl.core.event_builder import Draft, Place
from impl.core.rejection import Rejected
from impl.core.room_version import ROOM_VERSIONS

ALICE = "@alice:one.example"
BOB = "@bob:one.example"
CHARLIE = "@charlie:two.example"
DAVE = "@dave:two.example"

ALL_VERSIONS = tuple(ROOM_VERSIONS)
KEY = signing.new_signing_key(b"\x01" * 32, "test")


def since(version: str) -> tuple[str, ...]:
    return ALL_VERSIONS[ALL_VERSIONS.index(version) :]


def before(version: str) -> tuple[str, ...]:
    return ALL_VERSIONS[: ALL_VERSIONS.index(version)]


class Room:
    """Begins with its create event; `begin` makes it a room where Alice has the power."""

    def __init__(self, version: str = "12", **create_content: Any) -> None:
        self.version = ROOM_VERSIONS[version]
        self.events: dict[str, Event] = {}
        self.state: dict[StateKey, Event] = {}
        self.last: list[str] = []
        self.room_id: str | None = None
        if not self.version.room_id_is_create_hash:
            self.room_id = "!room:one.example"
        content = {"room_version": version, **create_content}
        if not self.version.creator_is_sender:
            content.setdefault("creator", ALICE)
        self.create = self.send("m.room.create", ALICE, content, "")
        self.room_id = self.create.room_id

    def begin(self, join_rule: str = "public", levels: dict[str, Any] | None = None) -> "Room":
        self.join(ALICE)
        content = {"users": {ALICE: 100}} if levels is None else levels
        if self.version.creators_outrank_all:
            users = {name: level for name, level in content["users"].items() if name != ALICE}
            content = {**content, "users": users}
        self.send("m.room.power_levels", ALICE, content, "")
        self.send("m.room.join_rules", ALICE, {"join_rule": join_rule}, "")
        return self

    def event(
        self,
        event_type: str,
        sender: str,
        content: dict[str, Any],
        state_key: str | None = None,
        **more: Any,
    ) -> Event:
        """The event on top of the room, whether it is allowed or not."""
        keys = selection.auth_types(self.version, event_type, sender, state_key, content)
        cited = [self.state[key].event_id for key in keys if key in self.state]
        place = Place(self.room_id, self.version, list(self.last), cited, len(self.events) + 1)
        return event_builder.build(
            Draft(event_type, sender, content, state_key, **more),
            place,
            now_ms=1_700_000_000_000 + len(self.events),
            server_name=identifiers.server_name_of(sender),
            signing_key=KEY,
        )

    def check(self, event: Event) -> None:
        """Raises Rejected."""
        rules.check_state_independent(event, self.events)
        rules.check_state_dependent(event, self.state)

    def allows(self, event: Event) -> bool:
        try:
            self.check(event)
        except Rejected:
            return False
        return True

    def may(self, event_type: str, sender: str, content: dict[str, Any], *rest: Any) -> bool:
        return self.allows(self.event(event_type, sender, content, *rest))

    def may_set(self, sender: str, target: str, membership: str, **content: Any) -> bool:
        return self.may("m.room.member", sender, {"membership": membership, **content}, target)

    def put(self, event: Event) -> Event:
        """Make it the room's last event, unasked."""
        self.events[event.event_id] = event
        self.last = [event.event_id]
        if event.is_state:
            self.state[event.key] = event
        return event

    def send(self, event_type: str, sender: str, content: dict[str, Any], *rest: Any) -> Event:
        """Raises Rejected."""
        event = self.event(event_type, sender, content, *rest)
        self.check(event)
        return self.put(event)

    def force(self, event_type: str, sender: str, content: dict[str, Any], *rest: Any) -> Event:
        return self.put(self.event(event_type, sender, content, *rest))

    def join(self, user_id: str) -> Event:
        return self.send("m.room.member", user_id, {"membership": "join"}, user_id)

    def is_in(self, user_id: str, membership: str) -> "Room":
        """A user's membership, however it came about."""
        if membership != "none":
            self.force("m.room.member", user_id, {"membership": membership}, user_id)
        return self

    def levels(self, **content: Any) -> "Room":
        """The power levels, however they came about."""
        self.force("m.room.power_levels", ALICE, content, "")
        return self
