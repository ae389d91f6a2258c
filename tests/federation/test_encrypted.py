"""Two servers whose people encrypt: keys and messages to devices go both ways. S-S API, "End-to-End
Encryption", "Device Management", "Send-to-device messaging".
"""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from impl.services.sending.sender import Sender
from tests.api.api_client import User
from tests.federation.conftest import Server, Servers
from tests.federation.encrypting import (
    CLIENT,
    Listener,
    claim,
    keys_of,
    publish,
    publish_identity,
    query,
    without_unsigned,
)
from tests.federation.fake_wire import Network
from tests.federation.test_joining import join
from tests.services.sending.world import settle


@pytest.fixture
def senders(a: Server, b: Server) -> Iterator[Callable[[], None]]:
    """Call it: what each has for the other has arrived."""
    made = [Sender(a.app), Sender(b.app)]

    def deliver() -> None:
        for sender in made:
            settle(sender)

    deliver()
    yield deliver
    for sender in made:
        sender.stop(5.0)


@pytest.fixture
def together(a: Server, b: Server, senders: Callable[[], None]) -> tuple[User, User]:
    """Alice of a and Bob of b, in one room."""
    alice, bob = a.register("alice"), b.register("bob")
    room_id = alice.create_room(preset="public_chat")
    assert join(bob, room_id, "a.test").status == 200
    senders()
    return alice, bob


def test_keys_are_told_as_their_owner_signed_them(together: tuple[User, User]) -> None:
    alice, bob = together
    phone, identity = publish(alice), publish_identity(alice)
    found = query(bob, alice.user_id)
    assert without_unsigned(found["device_keys"][alice.user_id]) == {alice.device_id: phone.keys()}
    assert found["master_keys"] == {alice.user_id: identity.object("master")}
    assert found["self_signing_keys"] == {alice.user_id: identity.object("self_signing")}
    assert found["user_signing_keys"] == {}
    assert found["failures"] == {}


def test_who_shares_a_room_is_asked_for_once(
    a: Server, b: Server, together: tuple[User, User], network: Network
) -> None:
    alice, bob = together
    publish(alice)
    first = keys_of(bob, alice.user_id)
    carol = b.register("carol")
    network.cut("a.test", "b.test")
    assert keys_of(bob, alice.user_id) == keys_of(carol, alice.user_id) == first
    assert len(network.requests("b.test", "a.test", "/user/")) == 1


def test_a_change_is_told_and_needs_no_question(
    together: tuple[User, User], senders: Callable[[], None], network: Network
) -> None:
    alice, bob = together
    publish(alice)
    senders()
    assert list(keys_of(bob, alice.user_id)) == [alice.device_id]
    listener = Listener(bob)
    second = log_in_again(alice)
    publish(second)
    senders()
    assert listener.wait_for_change() == ["alice"]
    assert set(keys_of(bob, alice.user_id)) == {alice.device_id, second.device_id}
    asked = len(network.requests("b.test", "a.test", "/user/"))
    third = log_in_again(alice)
    publish(third)
    senders()
    assert listener.wait_for_change() == ["alice"]
    assert len(keys_of(bob, alice.user_id)) == 3
    assert third.post(f"{CLIENT}/logout", {}).status == 200
    senders()
    assert listener.wait_for_change() == ["alice"]
    assert set(keys_of(bob, alice.user_id)) == {alice.device_id, second.device_id}
    assert len(network.requests("b.test", "a.test", "/user/")) == asked


def test_new_keys_for_cross_signing_are_told(
    together: tuple[User, User], senders: Callable[[], None]
) -> None:
    alice, bob = together
    publish(alice)
    publish_identity(alice)
    assert keys_of(bob, alice.user_id)
    listener = Listener(bob)
    identity = publish_identity(alice, generation=2)
    senders()
    assert listener.wait_for_change() == ["alice"]
    found = query(bob, alice.user_id)
    assert found["master_keys"][alice.user_id] == identity.object("master")
    assert found["self_signing_keys"][alice.user_id] == identity.object("self_signing")


def test_who_shares_no_room_is_asked_for_each_time(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    phone = publish(alice)
    assert keys_of(bob, alice.user_id) == {alice.device_id: phone.keys()}
    second = log_in_again(alice)
    publish(second)
    assert len(keys_of(bob, alice.user_id)) == 2
    assert len(network.requests("b.test", "a.test", "/user/keys/query")) == 2
    named = {"device_keys": {alice.user_id: [second.device_id]}}
    answer = bob.post(f"{CLIENT}/keys/query", named).json
    assert list(answer["device_keys"][alice.user_id]) == [second.device_id]


def test_a_server_that_is_away_is_a_failure_and_takes_nothing_with_it(
    a: Server, b: Server, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    phone, own = publish(alice), publish(bob)
    found = query(bob, alice.user_id, bob.user_id, "@nobody:dead.test")
    assert set(found["failures"]) == {"dead.test"}
    assert without_unsigned(found["device_keys"][alice.user_id]) == {alice.device_id: phone.keys()}
    assert without_unsigned(found["device_keys"][bob.user_id]) == {bob.device_id: own.keys()}
    network.cut("a.test", "b.test")
    assert set(query(bob, alice.user_id)["failures"]) == {"a.test"}
    assert alice.user_id not in query(bob, alice.user_id)["device_keys"]


def test_nobody_waits_longer_than_the_client(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    publish(alice)
    network.hold("b.test", "a.test", "/user/keys/query")
    found = query(bob, alice.user_id, timeout=50)
    assert set(found["failures"]) == {"a.test"}
    assert "in time" in found["failures"]["a.test"]["error"]


def test_who_waited_in_vain_hears_when_the_keys_are_there(
    together: tuple[User, User], network: Network
) -> None:
    alice, bob = together
    publish(alice)
    listener = Listener(bob)
    gate = network.hold("b.test", "a.test", "/user/keys/query")
    assert set(query(bob, alice.user_id, timeout=50)["failures"]) == {"a.test"}
    gate.open()
    assert listener.wait_for_change() == ["alice"]
    assert list(keys_of(bob, alice.user_id)) == [alice.device_id]
    assert len(network.requests("b.test", "a.test", "/user/")) == 1


def test_the_first_answer_is_news_to_nobody(together: tuple[User, User]) -> None:
    alice, bob = together
    publish(alice)
    listener = Listener(bob)
    assert list(keys_of(bob, alice.user_id)) == [alice.device_id]
    assert listener.hear() == ([], [])


def test_one_time_keys_are_handed_out_once(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    phone = publish(alice)
    phone = publish(alice, one_time_keys=phone.one_time("one", "two"))
    phone_keys = phone.one_time("one", "two")
    claimed = [claim(bob, phone)["one_time_keys"] for _ in range(3)]
    names = [one.get(alice.user_id, {}).get(alice.device_id, {}) for one in claimed]
    assert names == [
        {"signed_curve25519:one": phone_keys["signed_curve25519:one"]},
        {"signed_curve25519:two": phone_keys["signed_curve25519:two"]},
        {},
    ]


def test_a_fallback_key_comes_when_there_is_no_other(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    phone = publish(alice, fallback_keys=publish(alice).fallback("last"))
    for _ in range(2):
        found = claim(bob, phone)["one_time_keys"][alice.user_id][alice.device_id]
        assert found == phone.fallback("last")


def test_claims_of_several_servers_are_told_together(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    phone, own = publish(alice), publish(bob)
    publish(alice, one_time_keys=phone.one_time("far"))
    publish(bob, one_time_keys=own.one_time("near"))
    wanted = {
        alice.user_id: {alice.device_id: "signed_curve25519"},
        bob.user_id: {bob.device_id: "signed_curve25519"},
        "@nobody:dead.test": {"D": "signed_curve25519"},
    }
    found = bob.post(f"{CLIENT}/keys/claim", {"one_time_keys": wanted}).json
    assert found["one_time_keys"] == {
        alice.user_id: {alice.device_id: phone.one_time("far")},
        bob.user_id: {bob.device_id: own.one_time("near")},
    }
    assert set(found["failures"]) == {"dead.test"}


@pytest.mark.parametrize("is_allowed", [True, False])
def test_names_of_devices_are_told_where_that_is_allowed(
    new_server: Servers, is_allowed: bool
) -> None:
    a = new_server("a.test", allow_device_name_lookup_over_federation=is_allowed)
    b = new_server("b.test")
    alice, bob = a.register("alice"), b.register("bob")
    publish(alice)
    place = f"{CLIENT}/devices/{alice.device_id}"
    assert alice.put(place, {"display_name": "A phone"}).status == 200
    expected = {"device_display_name": "A phone"} if is_allowed else {}
    for _ in range(2):
        found = query(bob, alice.user_id)["device_keys"][alice.user_id]
        assert found[alice.device_id].get("unsigned", {}) == expected
        # The second time from what is kept.
        room_id = alice.create_room(preset="public_chat")
        assert join(bob, room_id, "a.test").status == 200


def test_whom_another_server_knows_is_vouched_for(together: tuple[User, User]) -> None:
    alice, bob = together
    publish(alice)
    alices, bobs = publish_identity(alice), publish_identity(bob)
    assert keys_of(bob, alice.user_id)
    signed = bobs.sign(alices.object("master"), "user_signing")
    body = {alice.user_id: {alices.public("master"): signed}}
    answer = bob.post(f"{CLIENT}/keys/signatures/upload", body)
    assert (answer.status, answer.json) == (200, {"failures": {}})
    found = query(bob, alice.user_id)["master_keys"][alice.user_id]
    assert found["signatures"][bob.user_id] == signed["signatures"][bob.user_id]
    # It is for bob alone.
    assert bob.user_id not in query(alice, alice.user_id)["master_keys"][alice.user_id].get(
        "signatures", {}
    )


def test_a_stranger_of_another_server_is_vouched_for(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    alices, bobs = publish_identity(alice), publish_identity(bob)
    signed = bobs.sign(alices.object("master"), "user_signing")
    body = {alice.user_id: {alices.public("master"): signed}}
    answer = bob.post(f"{CLIENT}/keys/signatures/upload", body)
    assert (answer.status, answer.json) == (200, {"failures": {}})
    found = query(bob, alice.user_id)["master_keys"][alice.user_id]
    assert found["signatures"][bob.user_id] == signed["signatures"][bob.user_id]


@pytest.mark.parametrize("device_id", ["*", "this one"])
def test_messages_to_devices_arrive_once_and_in_order(
    together: tuple[User, User], senders: Callable[[], None], device_id: str
) -> None:
    alice, bob = together
    wanted = bob.device_id if device_id != "*" else "*"
    for number in range(5):
        messages = {bob.user_id: {wanted: {"n": number}}}
        place = f"{CLIENT}/sendToDevice/m.test/{number}"
        for _ in range(2):
            assert alice.put(place, {"messages": messages}).status == 200
    senders()
    events = bob.get(f"{CLIENT}/sync").json["to_device"]["events"]
    assert [one["content"]["n"] for one in events] == [0, 1, 2, 3, 4]
    assert {(one["sender"], one["type"]) for one in events} == {(alice.user_id, "m.test")}


def log_in_again(user: User) -> User:
    """The same user on another device."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user.user_id},
        "password": user.password,
    }
    made = user.api.post(f"{CLIENT}/login", body)
    assert made.status == 200, made
    token, device_id = made.json["access_token"], made.json["device_id"]
    return User(user.api, user.user_id, token, device_id, user.password)


def test_who_leaves_the_last_room_is_forgotten(
    b: Server, together: tuple[User, User], senders: Callable[[], None]
) -> None:
    alice, bob = together
    publish(alice)
    assert keys_of(bob, alice.user_id)
    listener = Listener(bob)
    (room_id,) = bob.get(f"{CLIENT}/joined_rooms").json["joined_rooms"]
    assert followed(b) == [alice.user_id]
    assert alice.post(f"{CLIENT}/rooms/{quote(room_id)}/leave", {}).status == 200
    senders()
    assert listener.hear() == ([], ["alice"])
    assert followed(b) == []


def test_when_the_last_of_us_leaves_all_are_forgotten(
    b: Server, together: tuple[User, User], senders: Callable[[], None]
) -> None:
    alice, bob = together
    publish(alice)
    publish_identity(alice)
    assert keys_of(bob, alice.user_id)
    (room_id,) = bob.get(f"{CLIENT}/joined_rooms").json["joined_rooms"]
    carol = b.register("carol")
    carol.join(room_id)
    listener = Listener(bob)
    assert bob.post(f"{CLIENT}/rooms/{quote(room_id)}/leave", {}).status == 200
    assert listener.hear() == ([], ["alice", "carol"])
    assert followed(b) == [alice.user_id]
    assert carol.post(f"{CLIENT}/rooms/{quote(room_id)}/leave", {}).status == 200
    assert followed(b) == []
    # What changes now nobody tells us, so who comes again is asked for anew.
    senders()
    publish(log_in_again(alice))
    senders()
    assert join(bob, room_id, "a.test").status == 200
    assert listener.hear()[0] == ["alice"]
    assert len(keys_of(bob, alice.user_id)) == 2


def followed(server: Server) -> list[str]:
    with server.app.database.read() as txn:
        txn.execute("SELECT user_id FROM remote_device_lists ORDER BY 1")
        found = [row[0] for row in txn.fetchall()]
        txn.execute(
            "SELECT DISTINCT user_id FROM remote_devices"
            " UNION SELECT user_id FROM cross_signing_keys WHERE user_id NOT LIKE '%%:b.test'"
        )
        assert {row[0] for row in txn.fetchall()} <= set(found)
    return found
