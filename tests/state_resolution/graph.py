"""Rooms for these tests: events by short names, forks, and the states that servers would hold."""

from collections.abc import Iterable
from typing import Any

from impl.core.auth import selection
from impl.core.event import Event
from impl.core.power_levels import creators_of
from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import StateMap, resolve

ALICE = "@alice:example.org"
BOB = "@bob:example.org"
CHARLIE = "@charlie:elsewhere.example"
DAVE = "@dave:elsewhere.example"
EVELYN = "@evelyn:third.example"


class Graph:
    """A room's events by id. The id of an event is `$` and its name, or with `real_ids` what others
    will take it for.
    """

    def __init__(self, version: str, *, real_ids: bool = False, **create_content: Any) -> None:
        self.version = ROOM_VERSIONS[version]
        self.real_ids = real_ids
        self.events: dict[str, Event] = {}
        self.states: dict[str, StateMap] = {}
        self.rejected: set[str] = set()
        content: dict[str, Any] = {"room_version": version, **create_content}
        if not self.version.creator_is_sender:
            content["creator"] = ALICE
        self.create_id = self.add("create", "m.room.create", ALICE, content, prev=[])

    @property
    def room_id(self) -> str:
        if not self.version.room_id_is_create_hash:
            return "!room:example.org"
        return "!" + self.create_id[1:]

    def add(
        self,
        name: str,
        event_type: str,
        sender: str,
        content: dict[str, Any],
        state_key: str = "",
        *,
        prev: list[str] | None = None,
        ts: int | None = None,
    ) -> str:
        """A state event after some others, or the last. Whether it is allowed is not asked."""
        if prev is None:
            prev = [list(self.events)[-1]]
        state_before = self.resolve(self.states[event_id] for event_id in prev)
        cited = [
            state_before[key]
            for key in selection.auth_types(self.version, event_type, sender, state_key, content)
            if key in state_before
        ]
        depth = 1 + max((self.events[event_id].depth for event_id in prev), default=0)
        pdu = {
            "type": event_type,
            "state_key": state_key,
            "sender": sender,
            "content": content,
            "origin_server_ts": 1_000 + len(self.events) if ts is None else ts,
            "depth": depth,
            "prev_events": self._references(prev),
            "auth_events": self._references(cited),
        }
        if not (event_type == "m.room.create" and self.version.room_id_is_create_hash):
            pdu["room_id"] = self.room_id
        event = self._event(pdu, name)
        self.events[event.event_id] = event
        self.states[event.event_id] = {**state_before, event.key: event.event_id}
        return event.event_id

    def _event(self, pdu: dict[str, Any], name: str) -> Event:
        if not self.real_ids:
            return Event(pdu, self.version, "$" + name)
        pdu |= {"hashes": {"sha256": name}, "signatures": {}}
        if not self.version.event_id_is_hash:
            pdu["event_id"] = f"${name}:{pdu['sender'].partition(':')[2]}"
        return Event.from_pdu(pdu, self.version)

    def member(
        self, name: str, user_id: str, membership: str, sender: str | None = None, **at: Any
    ) -> str:
        content = {"membership": membership}
        return self.add(name, "m.room.member", sender or user_id, content, user_id, **at)

    def levels(self, name: str, sender: str, users: dict[str, int], **at: Any) -> str:
        # Creators of version 12 must not be named.
        if self.version.creators_outrank_all:
            creators = creators_of(self.events[self.create_id])
            users = {user_id: level for user_id, level in users.items() if user_id not in creators}
        return self.add(name, "m.room.power_levels", sender, {"users": users}, **at)

    def join_rule(self, name: str, sender: str, join_rule: str, **at: Any) -> str:
        return self.add(name, "m.room.join_rules", sender, {"join_rule": join_rule}, **at)

    def topic(self, name: str, sender: str, **at: Any) -> str:
        return self.add(name, "m.room.topic", sender, {"topic": name}, **at)

    def begin(self, *joined: str) -> str:
        """A public room where Alice has all the power."""
        self.member("alice", ALICE, "join")
        self.levels("levels", ALICE, {ALICE: 100})
        last = self.join_rule("public", ALICE, "public")
        for user_id in joined:
            last = self.member(user_id[1:].partition(":")[0], user_id, "join")
        return last

    def auth_chain(self, state: StateMap) -> set[str]:
        chain: set[str] = set()
        waiting = list(state.values())
        while waiting:
            for event_id in self.events[waiting.pop()].auth_event_ids:
                if event_id not in chain:
                    chain.add(event_id)
                    waiting.append(event_id)
        return chain

    def resolve(self, states: Iterable[StateMap]) -> StateMap:
        state_sets = list(states)
        chains = [self.auth_chain(state) for state in state_sets]
        return resolve(self.version, state_sets, chains, self.events, self.rejected)

    def after(self, *event_ids: str) -> StateMap:
        """The state after some events together."""
        return self.resolve(self.states[event_id] for event_id in event_ids)

    def _references(self, event_ids: list[str]) -> list[Any]:
        if self.version.event_id_is_hash:
            return event_ids
        return [[event_id, {}] for event_id in event_ids]
