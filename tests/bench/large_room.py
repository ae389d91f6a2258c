"""A large room with two forks that disagree about ten keys, for measuring state resolution."""

from dataclasses import dataclass, field
from typing import Any

from impl.core import event_hash
from impl.core.auth import selection
from impl.core.event import Event, StateKey
from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import StateMap
from tests.core.room_builder import ALICE, BOB

SERVER = "one.example"
# One change of the levels for so many state events.
EVENTS_PER_LEVELS = 100


@dataclass
class LargeRoom:
    """Everybody joins, and now and then the levels change; every event on top of the last."""

    version: str
    number_of_events: int
    events: dict[str, Event] = field(default_factory=dict)
    state: StateMap = field(default_factory=dict)
    room_id: str | None = f"!large:{SERVER}"
    number: int = 0

    def __post_init__(self) -> None:
        version = ROOM_VERSIONS[self.version]
        if version.room_id_is_create_hash:
            self.room_id = None
        content = {"room_version": self.version, "creator": ALICE}
        create = self.put(self.state, "m.room.create", ALICE, content)
        self.room_id = self.events[create].room_id
        self.member(self.state, ALICE)
        self.levels(self.state, 0)
        self.put(self.state, "m.room.join_rules", ALICE, {"join_rule": "public"})
        self.member(self.state, BOB)
        while len(self.state) < self.number_of_events:
            self.member(self.state, f"@user{self.number}:{SERVER}")
            if self.number % EVENTS_PER_LEVELS == 0:
                self.levels(self.state, self.number)

    def put(
        self,
        state: StateMap,
        event_type: str,
        sender: str,
        content: dict[str, Any],
        state_key: str = "",
    ) -> str:
        """A state event on top of a state, which it changes. Not signed: nobody asks here."""
        self.number += 1
        version = ROOM_VERSIONS[self.version]
        keys: list[StateKey] = selection.auth_types(version, event_type, sender, state_key, content)
        cited = [state[key] for key in keys if key in state]
        pdu = {
            "type": event_type,
            "state_key": state_key,
            "sender": sender,
            "content": content,
            "depth": self.number,
            "origin_server_ts": self.number,
            "prev_events": [],
            "auth_events": cited if version.event_id_is_hash else [[one, {}] for one in cited],
            "hashes": {"sha256": ""},
            "signatures": {},
        }
        if self.room_id is not None:
            pdu["room_id"] = self.room_id
        if not version.event_id_is_hash:
            pdu["event_id"] = f"${self.number}:{SERVER}"
        event = Event(pdu, version, event_hash.event_id_of(pdu, version))
        self.events[event.event_id] = event
        state[event.key] = event.event_id
        return event.event_id

    def member(self, state: StateMap, user_id: str, membership: str = "join") -> None:
        sender = user_id if membership == "join" else ALICE
        self.put(state, "m.room.member", sender, {"membership": membership}, user_id)

    def levels(self, state: StateMap, events_default: int) -> None:
        users = {f"@user{number}:{SERVER}": 50 for number in range(30)} | {BOB: 50}
        if self.version != "12":
            users[ALICE] = 100
        content = {"users": users, "redact": events_default % 50}
        self.put(state, "m.room.power_levels", ALICE, content)

    def forks(self) -> list[StateMap]:
        """Two states of it that disagree about ten keys."""
        one, other = dict(self.state), dict(self.state)
        self.levels(one, 7)
        self.levels(other, 8)
        self.put(other, "m.room.join_rules", ALICE, {"join_rule": "invite"})
        victims = [key[1] for key in self.state if key[0] == "m.room.member"][-5:]
        for number, user_id in enumerate(victims):
            self.member(one if number % 2 else other, user_id, "ban" if number % 3 else "leave")
        for event_type in ("m.room.topic", "m.room.name", "m.room.avatar"):
            self.put(one, event_type, BOB, {"x": 1})
            self.put(other, event_type, BOB, {"x": 2})
        return [one, other]

    def auth_chain(self, event_ids: list[str]) -> set[str]:
        chain: set[str] = set()
        waiting = list(event_ids)
        while waiting:
            for event_id in self.events[waiting.pop()].auth_event_ids:
                if event_id not in chain:
                    chain.add(event_id)
                    waiting.append(event_id)
        return chain
