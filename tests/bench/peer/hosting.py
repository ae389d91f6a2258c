"""A room of servers that are made up, with members on all of them, each of whose events is signed
by its own server; and what one of these servers tells others of it.

room = HostedRoom(servers, 10_000)
answer = room.answer("send_join", [event_id], query, pdu)
"""

import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from impl.core import event_builder, event_hash
from impl.core.auth import selection
from impl.core.event import Event, StateKey
from impl.core.event_builder import Draft, Place
from impl.core.room_version import ROOM_VERSIONS
from impl.core.signing import SigningKey

Json = dict[str, Any]

VERSION = ROOM_VERSIONS["11"]
MEMBER = "m.room.member"
# The power levels change so often while people come.
MEMBERS_PER_LEVELS = 500
MESSAGES = 50
LIMIT = 100

_encode = msgspec.json.Encoder().encode


class Home(Protocol):
    """A server that users are of."""

    name: str
    key: SigningKey

    def user(self, localpart: str) -> str: ...


class HostedRoom:
    """The first server made it and tells of it. A line of events; the state before each is known
    of those that came by send_join.
    """

    def __init__(self, servers: Sequence[Home], members: int) -> None:
        self.servers = servers
        self.events: dict[str, Event] = {}
        self.state: dict[StateKey, str] = {}
        self._order: list[str] = []
        self._states_before: dict[str, dict[StateKey, str]] = {}
        self.room_id = f"!{time.time_ns()}:{servers[0].name}"
        self._fill(members)

    @property
    def creator(self) -> str:
        return self.servers[0].user("user0")

    @property
    def member_count(self) -> int:
        """Of those who have not come through others."""
        return sum(event_type == MEMBER for event_type, _ in self.state)

    def _fill(self, members: int) -> None:
        host = self.servers[0]
        self._add(host, Draft("m.room.create", self.creator, {"room_version": "11"}, ""))
        self._join(host, self.creator)
        self._change_levels(0)
        rules = {
            "m.room.join_rules": {"join_rule": "public"},
            "m.room.history_visibility": {"history_visibility": "shared"},
            "m.room.name": {"name": "A large room"},
        }
        for event_type, content in rules.items():
            self._add(host, Draft(event_type, self.creator, content, ""))
        for number in range(1, members):
            server = self.servers[number % len(self.servers)]
            self._join(server, server.user(f"user{number}"))
            if number % MEMBERS_PER_LEVELS == 0:
                self._change_levels(number)
        for number in range(MESSAGES):
            content = {"msgtype": "m.text", "body": f"message {number}"}
            self._add(host, Draft("m.room.message", self.creator, content))

    def _join(self, server: Home, user_id: str) -> None:
        name = user_id[1:].partition(":")[0].capitalize()
        content = {
            "membership": "join",
            "displayname": name,
            "avatar_url": f"mxc://{server.name}/{name}AvatarOfTheirs",
        }
        self._add(server, Draft(MEMBER, user_id, content, user_id))

    def _change_levels(self, number: int) -> None:
        users = {self.creator: 100, self.servers[0].user(f"user{number or 1}"): 50}
        content = {"users": users, "users_default": 0, "state_default": 50, "ban": 50}
        self._add(self.servers[0], Draft("m.room.power_levels", self.creator, content, ""))

    def _add(self, server: Home, draft: Draft) -> None:
        event = event_builder.build(
            draft,
            Place(
                self.room_id,
                VERSION,
                self._order[-1:],
                self._cited(draft),
                len(self._order) + 1,
            ),
            now_ms=int(time.time() * 1000),
            server_name=server.name,
            signing_key=server.key,
        )
        self._keep(event)

    def _cited(self, draft: Draft) -> list[str]:
        keys = selection.auth_types(
            VERSION, draft.type, draft.sender, draft.state_key, draft.content
        )
        return [self.state[key] for key in keys if key in self.state]

    def _keep(self, event: Event) -> None:
        self.events[event.event_id] = event
        self._order.append(event.event_id)
        if event.is_state:
            self.state[event.key] = event.event_id

    # What others are told.

    def answer(
        self, operation: str, rest: Sequence[str], query: dict[str, list[str]], body: Json
    ) -> bytes | None:
        """None for what it does not know."""
        if operation == "make_join":
            return _encode(self._template(rest[0]))
        if operation == "send_join":
            return _encode(self._joined(body, query.get("omit_members") == ["true"]))
        if operation in ("state", "state_ids"):
            before = self._states_before.get(query["event_id"][0], self.state)
            return _encode(self._told_state(operation, list(before.values())))
        if operation == "event":
            found = self.events.get(rest[0])
            pdus = [] if found is None else [found.pdu]
            return _encode({"origin": self.servers[0].name, "origin_server_ts": 1, "pdus": pdus})
        if operation == "event_auth":
            return _encode({"auth_chain": self._pdus(self._chain([rest[0]]))})
        if operation in ("backfill", "get_missing_events"):
            return _encode(self._history(operation, query, body))
        return None

    def _template(self, user_id: str) -> Json:
        draft = Draft(MEMBER, user_id, {"membership": "join"}, user_id)
        event = {
            "type": MEMBER,
            "sender": user_id,
            "state_key": user_id,
            "room_id": self.room_id,
            "content": draft.content,
            "depth": len(self._order) + 1,
            "origin": user_id.partition(":")[2],
            "origin_server_ts": int(time.time() * 1000),
            "prev_events": self._order[-1:],
            "auth_events": self._cited(draft),
        }
        return {"room_version": "11", "event": event}

    def _joined(self, pdu: Json, is_without_members: bool) -> Json:
        event = Event(pdu, VERSION, event_hash.event_id_of(pdu, VERSION))
        before = self._states_before[event.event_id] = dict(self.state)
        told = dict(before)
        if is_without_members:
            # Whoever the event itself cites is told of all the same.
            cited = {self.events[one].key for one in event.auth_event_ids}
            told = {key: one for key, one in told.items() if key[0] != MEMBER or key in cited}
        self._keep(event)
        ids = list(told.values())
        chain = self._chain([*ids, event.event_id]) - set(ids)
        return {
            "origin": self.servers[0].name,
            "event": pdu,
            "state": self._pdus(ids),
            "auth_chain": self._pdus(chain),
            "members_omitted": is_without_members,
            "servers_in_room": [one.name for one in self.servers],
        }

    def _told_state(self, operation: str, ids: list[str]) -> Json:
        chain = self._chain(ids) - set(ids)
        if operation == "state_ids":
            return {"pdu_ids": ids, "auth_chain_ids": list(chain)}
        return {"pdus": self._pdus(ids), "auth_chain": self._pdus(chain)}

    def _history(self, operation: str, query: dict[str, list[str]], body: Json) -> Json:
        """Downwards from some events, without the earliest that are given."""
        if operation == "backfill":
            ids, limit = query["v"], int(query["limit"][0])
            wanted = self._downwards(ids, min(limit, LIMIT), set())
            pdus = self._pdus(wanted)
            return {"origin": self.servers[0].name, "origin_server_ts": 1, "pdus": pdus}
        latest = [self.events[one] for one in body["latest_events"] if one in self.events]
        below = [prev for one in latest for prev in one.prev_event_ids]
        known = set(body["earliest_events"])
        return {"events": self._pdus(self._downwards(below, body.get("limit", 10), known)[::-1])}

    def _downwards(self, ids: Sequence[str], limit: int, known: set[str]) -> list[str]:
        found: list[str] = []
        waiting = list(ids)
        while waiting and len(found) < limit:
            event_id = waiting.pop(0)
            if event_id in self.events and event_id not in known:
                known.add(event_id)
                found.append(event_id)
                waiting += self.events[event_id].prev_event_ids
        return found

    def _chain(self, ids: Sequence[str]) -> set[str]:
        chain: set[str] = set()
        waiting = list(ids)
        while waiting:
            for event_id in self.events[waiting.pop()].auth_event_ids:
                if event_id not in chain:
                    chain.add(event_id)
                    waiting.append(event_id)
        return chain

    def _pdus(self, ids: Any) -> list[Json]:
        return [self.events[one].pdu for one in ids]
