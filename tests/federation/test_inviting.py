"""Invites and knocks across servers, and how they end. S-S API, "Inviting to a room", "Leaving
Rooms (Rejecting Invites)", "Knocking upon a room".
"""

from urllib.parse import quote, unquote

import gevent
import pytest

from impl.services import room_reading
from impl.storage import events
from tests.api.api_client import Answer, User
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network

CLIENT = "/_matrix/client/v3"


def act(user: User, room_id: str, what: str, **body: object) -> Answer:
    return user.post(f"{CLIENT}/rooms/{quote(room_id)}/{what}", body)


def membership(user: User, room_id: str, other: User) -> str | None:
    place = f"{CLIENT}/rooms/{quote(room_id)}/state/m.room.member/{quote(other.user_id)}"
    answer = user.get(place)
    return answer.json["membership"] if answer.status == 200 else None


def sections(user: User, since: str | None = None) -> dict:
    return user.get(f"{CLIENT}/sync", {"since": since} if since else None).json.get("rooms", {})


@pytest.mark.parametrize("version", ["1", "2", "5", "11", "12"])
def test_an_invite_is_accepted(a: Server, b: Server, version: str) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(room_version=version, name="Come in")
    assert act(alice, room_id, "invite", user_id=bob.user_id).status == 200
    assert membership(alice, room_id, bob) == "invite"
    shown = sections(bob)["invite"][room_id]["invite_state"]["events"]
    assert {"m.room.name", "m.room.create", "m.room.member"} <= {one["type"] for one in shown}
    assert act(bob, room_id, "join").status == 200
    assert membership(bob, room_id, bob) == "join"
    assert membership(alice, room_id, bob) == "join"
    assert room_id not in sections(bob).get("invite", {})


def test_who_is_invited_when_the_room_is_made_hears_of_it(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(invite=[bob.user_id], is_direct=True)
    assert room_id in sections(bob)["invite"]
    member = f"{CLIENT}/rooms/{quote(room_id)}/state/m.room.member/{quote(bob.user_id)}"
    assert alice.get(member).json["is_direct"] is True


def test_an_invite_to_a_server_that_is_away_is_none(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room()
    network.cut("a.test", "b.test")
    assert act(alice, room_id, "invite", user_id=bob.user_id).status == 502
    assert membership(alice, room_id, bob) is None
    # The room is there all the same.
    assert alice.create_room(invite=[bob.user_id])


def test_an_invite_to_nobody_is_refused_as_the_other_server_says(a: Server, b: Server) -> None:
    alice = a.register("alice")
    room_id = alice.create_room()
    answer = act(alice, room_id, "invite", user_id="@nobody:b.test")
    assert 400 <= answer.status < 500, answer


def test_who_may_not_invite_asks_nobody(a: Server, b: Server, network: Network) -> None:
    alice, anton, bob = a.register("alice"), a.register("anton"), b.register("bob")
    room_id = alice.create_room(
        preset="public_chat", power_level_content_override={"invite": 50, "users_default": 0}
    )
    anton.join(room_id)
    answer = act(anton, room_id, "invite", user_id=bob.user_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    assert network.requests("a.test", "b.test", "/invite/") == []


def test_an_invite_of_who_was_sent_away_meanwhile_is_none(
    a: Server, b: Server, network: Network
) -> None:
    alice, carol, bob = a.register("alice"), a.register("carol"), b.register("bob")
    room_id = carol.create_room(preset="public_chat", power_level_content_override={"invite": 0})
    assert act(alice, room_id, "join").status == 200
    gate = network.hold("a.test", "b.test", "/invite/")
    asking = gevent.spawn(act, alice, room_id, "invite", user_id=bob.user_id)
    gate.wait()
    (sent,) = network.requests("a.test", "b.test", "/invite/")
    assert act(carol, room_id, "kick", user_id=alice.user_id).status == 200
    gate.release()
    answer = asking.get(timeout=10)
    assert (answer.status, answer.json["errcode"]) == (403, "M_FORBIDDEN")
    assert membership(carol, room_id, bob) is None
    # Nothing is kept of it.
    event_id = unquote(sent.target.rpartition("/")[2])
    with a.app.database.read() as txn:
        room = room_reading.get(a.app, txn, room_id)
        assert events.get_by_id(txn, room.room_nid, event_id) is None


def test_an_invite_is_declined(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(invite=[bob.user_id])
    assert act(bob, room_id, "leave").status == 200
    assert membership(alice, room_id, bob) == "leave"
    assert room_id not in sections(bob).get("invite", {})


def test_an_invite_is_declined_though_its_server_is_gone(
    a: Server, b: Server, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(invite=[bob.user_id])
    since = bob.get(f"{CLIENT}/sync").json["next_batch"]
    network.cut("a.test", "b.test")
    assert act(bob, room_id, "leave").status == 200
    assert room_id in sections(bob, since)["leave"]
    assert room_id not in sections(bob).get("invite", {})
    assert act(bob, room_id, "forget").status == 200


def test_a_knock_is_answered_with_an_invite(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    room_id = alice.create_room(name="Knock", initial_state=[rules])
    answer = bob.api.post(
        f"{CLIENT}/knock/{quote(room_id)}", {}, bob.access_token, {"via": ["a.test"]}
    )
    assert answer.status == 200, answer
    assert membership(alice, room_id, bob) == "knock"
    shown = sections(bob)["knock"][room_id]["knock_state"]["events"]
    assert "m.room.name" in {one["type"] for one in shown}
    assert act(alice, room_id, "invite", user_id=bob.user_id).status == 200
    assert room_id in sections(bob)["invite"]
    assert act(bob, room_id, "join").status == 200
    assert membership(alice, room_id, bob) == "join"


def test_a_knock_is_taken_back(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    room_id = alice.create_room(initial_state=[rules])
    query = {"via": ["a.test"]}
    path = f"{CLIENT}/knock/{quote(room_id)}"
    assert bob.api.post(path, {}, bob.access_token, query).status == 200
    assert act(bob, room_id, "leave").status == 200
    assert membership(alice, room_id, bob) == "leave"


def test_a_room_without_knocking_is_not_knocked_on(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room()
    path = f"{CLIENT}/knock/{quote(room_id)}"
    answer = bob.api.post(path, {}, bob.access_token, {"via": ["a.test"]})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_nobody_of_another_server_is_invited_to_a_room_that_is_not_federated(
    a: Server, b: Server
) -> None:
    """The rules of the room look at the sender alone, but the invited could never join."""
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(creation_content={"m.federate": False})
    answer = act(alice, room_id, "invite", user_id=bob.user_id)
    assert (answer.status, answer.json["errcode"]) == (403, "M_FORBIDDEN")
    assert membership(alice, room_id, bob) is None
    assert sections(bob).get("invite", {}) == {}
