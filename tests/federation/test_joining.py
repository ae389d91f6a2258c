"""Joining a room that is on another server. S-S API, "Joining Rooms", "Restricted rooms"."""

from urllib.parse import quote

import pytest

from tests.api.api_client import User
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network

CLIENT = "/_matrix/client/v3"


def state_ids(user: User, room_id: str) -> dict[tuple[str, str], str]:
    answer = user.get(f"{CLIENT}/rooms/{quote(room_id)}/state")
    assert answer.status == 200, answer
    return {(one["type"], one["state_key"]): one["event_id"] for one in answer.json}


def join(user: User, room: str, *via: str):
    return user.api.post(
        f"{CLIENT}/join/{quote(room, safe='')}", {}, user.access_token, {"via": list(via)}
    )


@pytest.mark.parametrize("version", [str(number) for number in range(1, 13)])
def test_a_public_room_is_joined(a: Server, b: Server, version: str) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="public_chat", room_version=version, name="Far away")
    answer = join(bob, room_id, "a.test")
    assert (answer.status, answer.json.get("room_id")) == (200, room_id), answer
    assert state_ids(bob, room_id) == state_ids(alice, room_id)
    synced = bob.get(f"{CLIENT}/sync").json["rooms"]["join"][room_id]
    assert synced["timeline"]["events"][-1]["state_key"] == bob.user_id
    assert {one["type"] for one in synced["state"]["events"]} >= {"m.room.create", "m.room.name"}


def test_an_alias_names_the_servers_to_ask(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="public_chat", room_alias_name="far")
    answer = join(bob, "#far:a.test")
    assert (answer.status, answer.json.get("room_id")) == (200, room_id), answer


def test_who_is_not_invited_is_refused_as_the_other_server_says(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="private_chat")
    answer = join(bob, room_id, "a.test")
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    assert bob.get(f"{CLIENT}/joined_rooms").json["joined_rooms"] == []


def test_servers_are_asked_in_turn_and_each_failure_is_told(
    a: Server, b: Server, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="public_chat")
    network.cut("a.test", "b.test")
    answer = join(bob, room_id, "dead.test", "a.test")
    assert answer.status == 502
    assert "dead.test" in answer.json["error"] and "a.test" in answer.json["error"]
    network.mend("a.test", "b.test")
    assert join(bob, room_id, "dead.test", "a.test").status == 200


def test_older_clients_name_the_servers_otherwise(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="public_chat")
    path = f"{CLIENT}/join/{quote(room_id)}"
    assert bob.api.post(path, {}, bob.access_token, {"server_name": ["a.test"]}).status == 200


def test_who_asks_nobody_finds_nothing(b: Server) -> None:
    bob = b.register("bob")
    answer = join(bob, "!v12-rooms-name-no-server-xxxxxxxxxxxxxxxxxx")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_a_second_user_joins_here(a: Server, b: Server, network: Network) -> None:
    alice, bob, berta = a.register("alice"), b.register("bob"), b.register("berta")
    room_id = alice.create_room(preset="public_chat")
    assert join(bob, room_id, "a.test").status == 200
    before = len(network.requests("b.test", "a.test", "make_join"))
    assert join(berta, room_id).status == 200
    assert len(network.requests("b.test", "a.test", "make_join")) == before


def test_a_join_that_was_answered_but_not_heard_can_be_made_again(
    a: Server, b: Server, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="public_chat")
    # make_join goes through; the answer to send_join is lost.
    gate = network.hold("b.test", "a.test", "/send_join/")
    network_lost = []

    def lose() -> None:
        gate.wait()
        network.lose_next_answer("b.test", "a.test")
        gate.open()
        network_lost.append(True)

    b.app.spawn(lose)
    assert join(bob, room_id, "a.test").status == 502 and network_lost
    assert state_ids(alice, room_id)[("m.room.member", bob.user_id)]
    assert join(bob, room_id, "a.test").status == 200
    assert state_ids(bob, room_id) == state_ids(alice, room_id)


def test_members_of_a_room_may_join_a_restricted_one(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    club = alice.create_room(preset="public_chat")
    rules = {
        "join_rule": "restricted",
        "allow": [{"type": "m.room_membership", "room_id": club}],
    }
    room_id = alice.create_room(
        room_version="10", initial_state=[{"type": "m.room.join_rules", "content": rules}]
    )
    answer = join(bob, room_id, "a.test")
    assert answer.status == 403, answer
    assert join(bob, club, "a.test").status == 200
    assert join(bob, room_id, "a.test").status == 200
    member = bob.get(f"{CLIENT}/rooms/{quote(room_id)}/state/m.room.member/{bob.user_id}").json
    assert member["join_authorised_via_users_server"] == alice.user_id


def test_who_comes_back_knows_what_the_room_became(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="public_chat", room_version="11")
    assert join(bob, room_id, "a.test").status == 200
    assert bob.post(f"{CLIENT}/rooms/{quote(room_id)}/leave", {}).status == 200
    since = bob.get(f"{CLIENT}/sync").json["next_batch"]
    place = f"{CLIENT}/rooms/{quote(room_id)}/state"
    assert alice.put(f"{place}/m.room.topic", {"topic": "while bob was away"}).status == 200
    # Whether a has heard that bob left is the sender's business, and not asked here.
    assert join(bob, room_id, "a.test").status == 200
    ours, theirs = state_ids(bob, room_id), state_ids(alice, room_id)
    assert ours[("m.room.topic", "")] == theirs[("m.room.topic", "")]
    assert bob.get(f"{place}/m.room.topic").json == {"topic": "while bob was away"}
    # No event of the timeline tells of it.
    synced = bob.get(f"{CLIENT}/sync", {"since": since}).json["rooms"]["join"][room_id]
    told = {one["type"]: one["content"] for one in synced["state"]["events"]}
    assert told["m.room.topic"] == {"topic": "while bob was away"}
