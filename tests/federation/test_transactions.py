"""PUT /send between two of our servers: what one has said, the other has. S-S API,
"Transactions".
"""

from typing import Any
from urllib.parse import quote

import pytest

from impl.core import canonical_json
from impl.outbound.failures import Refused, Unreachable
from impl.services.incoming.staging import Placers
from impl.storage import events
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network

CLIENT = "/_matrix/client/v3"
VERSIONS = ["1", "3", "6", "11", "12"]

Json = dict[str, Any]


_numbers = iter(range(1_000_000))


def pdus(server: Server, room_id: str, *event_ids: str) -> list[Json]:
    with server.app.database.read() as txn:
        room = server.app.rooms.get(txn, room_id)
        assert room is not None
        nids = events.get_nids(txn, room.room_nid, event_ids)
        keys = [(room.room_nid, nids[one]) for one in event_ids]
        found = server.app.events.get_many(txn, keys)
    return [found[nid].event.pdu for _, nid in keys]


def put(origin: Server, destination: Server, room_id: str, *event_ids: str) -> Json:
    """One server sends some of what it has to the other."""
    return put_content(origin, destination, pdus=pdus(origin, room_id, *event_ids))


def put_content(origin: Server, destination: Server, **content: Any) -> Json:
    body = {"origin": origin.name, "origin_server_ts": 1, "pdus": [], **content}
    txn_id = f"txn {next(_numbers)}/ü"
    answer = origin.app.federation.send_transaction(
        destination.name, txn_id, canonical_json.encode(body)
    )
    destination.app.part(Placers, Placers).wait()
    return answer["pdus"]  # type: ignore[no-any-return]


def shared_room(alice: User, bob: User, version: str = "11") -> str:
    room_id = rooms.create(alice, version)
    answer = bob.post(f"{CLIENT}/join/{quote(room_id, safe='')}?via=a.test", {})
    assert answer.status == 200, answer.json
    return room_id


def bodies(user: User, room_id: str) -> list[str]:
    synced = user.get(f"{CLIENT}/sync").json["rooms"]["join"][room_id]["timeline"]["events"]
    return [one["content"]["body"] for one in synced if one["type"] == "m.room.message"]


def state(user: User, room_id: str) -> dict[tuple[str, str], str]:
    answer = user.get(f"{CLIENT}/rooms/{quote(room_id, safe='')}/state")
    assert answer.status == 200, answer.json
    return {(one["type"], one["state_key"]): one["event_id"] for one in answer.json}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_said_on_one_server_is_heard_on_the_other(
    a: Server, b: Server, version: str
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = shared_room(alice, bob, version)
    said = [rooms.say(alice, room_id, body) for body in ("one", "two")]
    assert put(a, b, room_id, *said) == {event_id: {} for event_id in said}
    assert bodies(bob, room_id) == ["one", "two"]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_missed_is_fetched(a: Server, b: Server, version: str) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = shared_room(alice, bob, version)
    rooms.put_state(alice, room_id, "m.room.name", {"name": "new"})
    said = [rooms.say(alice, room_id, str(number)) for number in range(30)]
    assert put(a, b, room_id, said[-1]) == {said[-1]: {}}
    assert bodies(bob, room_id)[-5:] == ["25", "26", "27", "28", "29"]
    assert state(bob, room_id) == state(alice, room_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fork_comes_to_the_same_state_on_both_servers(a: Server, b: Server, version: str) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = shared_room(alice, bob, version)
    levels = rooms.get_state(alice, room_id, "m.room.power_levels").json
    levels["users"] = {**levels.get("users", {}), bob.user_id: 100}
    put(a, b, room_id, rooms.put_state(alice, room_id, "m.room.power_levels", levels))
    # The link is cut, and both go on.
    of_alice = [
        rooms.put_state(alice, room_id, "m.room.name", {"name": "hers"}),
        rooms.put_state(alice, room_id, "m.room.join_rules", {"join_rule": "invite"}),
        rooms.say(alice, room_id, "over here"),
    ]
    of_bob = [
        rooms.put_state(bob, room_id, "m.room.name", {"name": "his"}),
        rooms.put_state(bob, room_id, "m.room.topic", {"topic": "his"}),
        rooms.put_state(bob, room_id, "m.room.power_levels", {**levels, "events_default": 50}),
        rooms.say(bob, room_id, "over there"),
    ]
    put(a, b, room_id, of_alice[-1])
    put(b, a, room_id, of_bob[-1])
    assert state(alice, room_id) == state(bob, room_id)
    assert set(bodies(alice, room_id)) == set(bodies(bob, room_id)) == {"over here", "over there"}
    both = rooms.say(alice, room_id, "together")
    put(a, b, room_id, both)
    assert len(pdus(b, room_id, both)[0]["prev_events"]) == 2
    assert state(alice, room_id) == state(bob, room_id)


def test_an_invite_is_taken_back_from_outside(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice, preset="private_chat")
    assert rooms.act(alice, room_id, "invite", bob.user_id).status == 200
    assert room_id in bob.get(f"{CLIENT}/sync").json["rooms"]["invite"]
    assert rooms.act(alice, room_id, "kick", bob.user_id).status == 200
    gone = state(alice, room_id)["m.room.member", bob.user_id]
    assert put(a, b, room_id, gone) == {gone: {}}
    assert room_id not in bob.get(f"{CLIENT}/sync").json["rooms"].get("invite", {})
    # All else of the room is not ours to hear.
    said = rooms.say(alice, room_id, "among us")
    assert "error" in put(a, b, room_id, said)[said]


def test_who_types_is_seen_on_the_other_server(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = shared_room(alice, bob)
    content = {"room_id": room_id, "user_id": alice.user_id, "typing": True}
    put_content(a, b, edus=[{"edu_type": "m.typing", "content": content}])
    synced = bob.get(f"{CLIENT}/sync").json["rooms"]["join"][room_id]["ephemeral"]["events"]
    assert {"type": "m.typing", "content": {"user_ids": [alice.user_id]}} in synced


@pytest.mark.parametrize(
    "content",
    [
        {"pdus": [{}] * 51},
        {"edus": [{"edu_type": "x", "content": {}}] * 101},
        {"pdus": {}},
        {"pdus": None},
        {"edus": 5},
    ],
)
def test_what_is_no_transaction_is_refused(a: Server, b: Server, content: Json) -> None:
    with pytest.raises(Refused) as refused:
        put_content(a, b, **content)
    assert refused.value.status == 400


def test_an_answer_that_was_lost_is_given_again(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = shared_room(alice, bob)
    said = rooms.say(alice, room_id, "once")
    body = canonical_json.encode(
        {"origin": "a.test", "origin_server_ts": 1, "pdus": pdus(a, room_id, said)}
    )
    network.lose_next_answer("a.test", "b.test")
    with pytest.raises(Unreachable):
        a.app.federation.send_transaction("b.test", "one", body)
    answer = a.app.federation.send_transaction("b.test", "one", body)
    assert answer == {"pdus": {said: {}}}
    assert bodies(bob, room_id) == ["once"]
