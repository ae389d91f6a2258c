"""A made-up server in a large room of a hundred servers, whose events are really signed: for
measuring a join.
"""

import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import gevent

from impl.core import event_hash, server_keys, signing
from impl.core.auth import selection
from impl.core.room_version import ROOM_VERSIONS
from impl.core.signing import SigningKey
from impl.outbound.failures import Unreachable
from impl.outbound.wire import WireResponse

RESIDENT = "resident.example"
CREATOR = f"@creator:{RESIDENT}"
SERVERS = 100
KEYS_UNTIL_TS = 4_000_000_000_000
MEMBER = "m.room.member"

Json = dict[str, Any]


def key_of(server_name: str) -> SigningKey:
    return signing.new_signing_key(hashlib.sha256(server_name.encode()).digest(), "a")


@dataclass
class Resident:
    """The room, and the server that answers for it; the others answer for their keys. It is a wire
    of ours (outbound/wire.py).
    """

    members: int
    version: str = "11"
    events: dict[str, Json] = field(default_factory=dict)
    state: dict[tuple[str, str], str] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)
    depth: int = 0
    now_ms: int = 1_600_000_000_000
    room_id: str = f"!large:{RESIDENT}"
    asked: list[str] = field(default_factory=list)
    # What it has cost itself.
    own_s: float = 0.0
    _keys: dict[str, SigningKey] = field(default_factory=dict)
    # What was answered to the joining server's event: the state before it.
    before: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        levels = {"users": {CREATOR: 100}, "events_default": 0}
        self.add("m.room.create", CREATOR, {"room_version": self.version, "creator": CREATOR}, "")
        self.add(MEMBER, CREATOR, {"membership": "join"}, CREATOR)
        self.add("m.room.power_levels", CREATOR, levels, "")
        self.add("m.room.join_rules", CREATOR, {"join_rule": "public"}, "")
        self.add("m.room.history_visibility", CREATOR, {"history_visibility": "shared"}, "")
        self.add("m.room.name", CREATOR, {"name": "Large"}, "")
        for number in range(self.members - 1):
            user_id = f"@user{number}:server{number % SERVERS}.example"
            content = {
                "membership": "join",
                "displayname": f"User number {number}",
                "avatar_url": f"mxc://server{number % SERVERS}.example/{number:024}",
            }
            self.add(MEMBER, user_id, content, user_id)

    def add(self, event_type: str, sender: str, content: Json, state_key: str | None = None) -> str:
        version = ROOM_VERSIONS[self.version]
        keys = selection.auth_types(version, event_type, sender, state_key, content)
        self.depth += 1
        self.now_ms += 1_000
        pdu: Json = {
            "type": event_type,
            "room_id": self.room_id,
            "sender": sender,
            "content": content,
            "depth": self.depth,
            "origin_server_ts": self.now_ms,
            "prev_events": self.last,
            "auth_events": [self.state[key] for key in keys if key in self.state],
        }
        if state_key is not None:
            pdu["state_key"] = state_key
        name = sender.partition(":")[2]
        return self.keep(signing.sign_event(pdu, version, name, self.key(name)))

    def keep(self, pdu: Json) -> str:
        event_id = event_hash.event_id_of(pdu, ROOM_VERSIONS[self.version])
        self.events[event_id] = pdu
        if "state_key" in pdu:
            self.state[pdu["type"], pdu["state_key"]] = event_id
        self.last = [event_id]
        self.depth = pdu["depth"]
        return event_id

    def key(self, server_name: str) -> SigningKey:
        if server_name not in self._keys:
            self._keys[server_name] = key_of(server_name)
        return self._keys[server_name]

    def close(self) -> None:
        pass

    def request(
        self, destination: str, method: str, target: str, *, body: bytes | None, **_: object
    ) -> WireResponse:
        self.asked.append(target)
        url = urlsplit(target)
        if url.path == "/_matrix/key/v2/server":
            keys = server_keys.write(destination, [self.key(destination)], {}, KEYS_UNTIL_TS)
            return WireResponse(200, {}, json.dumps(keys).encode())
        found = re.fullmatch(r"/_matrix/federation/v\d/(\w+)/(.*)", url.path)
        if destination != RESIDENT or found is None:
            raise Unreachable(destination, "it is not asked here")
        began = time.process_time()
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        pieces = [unquote(piece) for piece in found[2].split("/")]
        answer = getattr(self, f"answer_{found[1]}")(*pieces, body=body, **query)
        encoded = json.dumps(answer).encode()
        self.own_s += time.process_time() - began
        # It is another process elsewhere.
        gevent.sleep(0)
        return WireResponse(200, {}, encoded)

    def answer_make_join(self, room_id: str, user_id: str, **_: object) -> Json:
        keys = [("m.room.create", ""), ("m.room.join_rules", ""), ("m.room.power_levels", "")]
        event = {
            "type": MEMBER,
            "room_id": room_id,
            "sender": user_id,
            "state_key": user_id,
            "content": {"membership": "join"},
            "depth": self.depth + 1,
            "origin_server_ts": self.now_ms,
            "prev_events": self.last,
            "auth_events": [self.state[key] for key in keys],
        }
        return {"room_version": self.version, "event": event}

    def answer_send_join(
        self, room_id: str, event_id: str, body: bytes, omit_members: str = "false"
    ) -> Json:
        self.before = dict(self.state)
        pdu = json.loads(body)
        self.keep(pdu)
        if omit_members != "true":
            return {**self._told(self.before.values()), "event": pdu}
        state = [one for key, one in self.before.items() if key[0] != MEMBER]
        servers = {RESIDENT, *(f"server{number}.example" for number in range(SERVERS))}
        return {
            **self._told(state, pdu["auth_events"]),
            "event": pdu,
            "members_omitted": True,
            "servers_in_room": sorted(servers),
        }

    def answer_state_ids(self, room_id: str, event_id: str, **_: object) -> Json:
        state = list(self.before.values())
        return {"pdu_ids": state, "auth_chain_ids": sorted(self._chain(state))}

    def answer_state(self, room_id: str, event_id: str, **_: object) -> Json:
        told = self._told(self.before.values())
        return {"pdus": told["state"], "auth_chain": told["auth_chain"]}

    def _told(self, state: Any, more: Any = ()) -> Json:
        ids = list(state)
        chain = self._chain([*ids, *more]) | set(more)
        return {
            "state": [self.events[one] for one in ids],
            "auth_chain": [self.events[one] for one in sorted(chain - set(ids))],
        }

    def _chain(self, event_ids: list[str]) -> set[str]:
        chain: set[str] = set()
        waiting = list(event_ids)
        while waiting:
            for one in self.events[waiting.pop()]["auth_events"]:
                if one not in chain:
                    chain.add(one)
                    waiting.append(one)
        return chain
