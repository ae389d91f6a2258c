"""A room that is large enough to be told of without its members, on two servers, for a third that
comes into it.
"""

import json
from dataclasses import replace
from typing import Any

from impl.config import Config
from impl.config.federation import SomaFederation
from impl.config.settings import SomaSettings
from impl.core import state_trie
from impl.services.incoming.staging import Placers
from impl.services.remote_history.completion import Completers
from impl.storage.state_nodes import RoomNodes
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.test_backfill import join
from tests.services.room_events.inspection import head_of

CLIENT = "/_matrix/client/v3"
A, B, C = "a.test", "b.test", "c.test"

Json = dict[str, Any]


def joining(config: Config, *, omit_members: bool) -> SomaSettings:
    """Of a server that comes into rooms with or without their members."""
    return replace(config.soma, federation=SomaFederation(omit_members=omit_members))


def a_large_room(a: Server, c: Server, alice: User, version: str = "11") -> tuple[str, list[User]]:
    """With members of two servers, one of whom was sent away."""
    room_id = rooms.create(alice, version, name="Large")
    others = [server.register(name) for server, name in ((a, "anna"), (c, "carol"), (c, "carl"))]
    for other in others:
        join(other, room_id, A)
    assert rooms.act(alice, room_id, "ban", others[2].user_id).status == 200
    rooms.say(alice, room_id, "before")
    return room_id, others


def settle(server: Server) -> None:
    """Until nothing is being fetched."""
    server.app.part(Placers, Placers).wait()
    server.app.part(Completers, Completers).wait()


def is_partial(server: Server, room_id: str) -> bool:
    return bool(head_of(server.app, room_id).room.is_partial)


def members(user: User, room_id: str) -> dict[str, str]:
    answer = user.get(rooms.path(room_id, "members"))
    assert answer.status == 200, answer
    return {one["state_key"]: one["event_id"] for one in answer.json["chunk"]}


def deliver(origin: Server, to: str, room_id: str, event_id: str) -> Json:
    """Have a server send one of its events by PUT /send."""
    with origin.app.database.read() as txn:
        txn.execute("SELECT pdu FROM events WHERE event_id = %s", (event_id,))
        pdu = json.loads(txn.fetchone()[0])
    content = {"origin": origin.name, "origin_server_ts": 1, "pdus": [pdu], "edus": []}
    body = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return origin.app.federation.send_transaction(to, event_id[1:10], body)["pdus"][event_id]


def state_of(user: User, room_id: str) -> dict[tuple[str, str], str]:
    answer = user.get(rooms.path(room_id, "state"))
    return {(one["type"], one["state_key"]): one["event_id"] for one in answer.json}


def members_at(server: Server, txn: Any, event_id: str) -> set[str]:
    txn.execute("SELECT room_nid, state_before FROM events WHERE event_id = %s", (event_id,))
    row = txn.fetchone()
    if row is None:
        return set()
    nodes = RoomNodes(txn, server.app.state_nodes, row[0])
    keys = server.app.state_keys.get_keys(txn, dict(state_trie.items(nodes, row[1])))
    return {key[1] for key in keys.values() if key[0] == "m.room.member"}
