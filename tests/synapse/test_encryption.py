"""People on two servers who encrypt: keys, device lists, messages to devices. S-S API, "Device
Management", "End-to-End Encryption", "Send-to-device messaging".
"""

from collections.abc import Callable

import pytest

from tests.keyring import Device, Identity
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Json, Person

Pair = tuple[Homeserver, Homeserver]
ENCRYPTION = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
ALGORITHM = "signed_curve25519"


@pytest.fixture
def room_id(pair: Pair, alice: Person, bob: Person) -> str:
    """An encrypted room with both of them in it."""
    room_id = alice.create_room(preset="public_chat", initial_state=[ENCRYPTION])
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    bob.wait_for_membership(room_id, alice, "join")
    return room_id


def publish(person: Person, **more: Json) -> Device:
    device = Device(person.user_id, person.get("/account/whoami")["device_id"])
    person.post("/keys/upload", {"device_keys": device.keys(), **more})
    return device


def publish_identity(person: Person) -> Identity:
    identity = Identity(person.user_id)
    person.post("/keys/device_signing/upload", identity.upload())
    return identity


def query(asking: Person, user_id: str) -> Json:
    # COMPAT(Synapse 1.163): who asks while it fetches the list is told that the server failed.
    return asking.wait(
        lambda: without_failures(asking.post("/keys/query", {"device_keys": {user_id: []}})),
        f"the keys of {user_id}",
    )


def without_failures(answer: Json) -> Json | None:
    return None if answer["failures"] else answer


def keys_of(asking: Person, user_id: str) -> Json:
    """device_id -> its keys without what is unsigned."""
    answer = query(asking, user_id)
    return {
        device_id: {name: one for name, one in keys.items() if name != "unsigned"}
        for device_id, keys in answer["device_keys"].get(user_id, {}).items()
    }


def follow(listening: Person, other: Person, is_so: Callable[[], bool], why: str) -> None:
    """As a client that asks for keys whenever it is told that they changed: until something is
    so.
    """

    def look() -> bool:
        if other.user_id not in listening.device_lists["changed"]:
            return False
        listening.device_lists = {"changed": [], "left": []}
        return is_so()

    listening.wait(look, why)


def follow_devices(listening: Person, other: Person, *devices: Device) -> None:
    expected = {device.device_id: device.keys() for device in devices}
    follow(
        listening,
        other,
        lambda: keys_of(listening, other.user_id) == expected,
        f"the devices of {other.user_id}",
    )


def test_keys_are_queried(alice: Person, bob: Person, room_id: str) -> None:
    phone = publish(alice)
    follow_devices(bob, alice, phone)
    identity = publish_identity(alice)
    follow(bob, alice, lambda: query(bob, alice.user_id)["self_signing_keys"], "cross-signing keys")
    answer = query(bob, alice.user_id)
    assert answer["master_keys"][alice.user_id] == identity.object("master")
    assert answer["self_signing_keys"][alice.user_id] == identity.object("self_signing")
    assert answer["user_signing_keys"] == {}


def test_keys_of_strangers_are_queried(alice: Person, bob: Person) -> None:
    phone, identity = publish(alice), publish_identity(alice)
    assert keys_of(bob, alice.user_id) == {phone.device_id: phone.keys()}
    answer = query(bob, alice.user_id)
    assert answer["master_keys"][alice.user_id] == identity.object("master")


def test_one_time_keys_are_claimed_once_and_then_the_fallback_key(
    alice: Person, bob: Person
) -> None:
    phone = publish(alice)
    one_time, fallback = phone.one_time("one", "two"), phone.fallback("last")
    alice.post("/keys/upload", {"one_time_keys": one_time, "fallback_keys": fallback})
    wanted = {"one_time_keys": {alice.user_id: {phone.device_id: ALGORITHM}}}
    claimed = []
    for _ in range(4):
        answer = bob.post("/keys/claim", wanted)
        assert answer["failures"] == {}
        claimed.append(answer["one_time_keys"][alice.user_id][phone.device_id])
    assert claimed[0] | claimed[1] == one_time
    assert claimed[2:] == [fallback, fallback]


def log_in(person: Person) -> Person:
    """The same user on another device."""
    localpart = person.user_id[1:].partition(":")[0]
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": localpart},
        "password": f"secret of {localpart}",
    }
    made = person.post("/login", body)
    return Person(person.url, made["user_id"], made["access_token"])


def test_new_devices_and_those_that_are_gone_are_told(
    alice: Person, bob: Person, room_id: str
) -> None:
    phone = publish(alice)
    follow_devices(bob, alice, phone)
    laptop = log_in(alice)
    second = publish(laptop)
    follow_devices(bob, alice, phone, second)
    laptop.post("/logout")
    follow_devices(bob, alice, phone)


def test_who_comes_and_goes_is_told_of(pair: Pair, alice: Person, bob: Person) -> None:
    phone, other_phone = publish(alice), publish(bob)
    room_id = alice.create_room(preset="public_chat", initial_state=[ENCRYPTION])
    alice.sync()
    bob.join(room_id, pair[0].name)
    follow_devices(alice, bob, other_phone)
    follow_devices(bob, alice, phone)
    bob.leave(room_id)
    # COMPAT(Synapse 1.163): it does not tell who is left of a room that it is not in any more.
    alice.wait(lambda: bob.user_id in alice.device_lists["left"], "bob to be left")


def test_people_vouch_for_each_other(alice: Person, bob: Person, room_id: str) -> None:
    alices, bobs = publish_identity(alice), publish_identity(bob)
    follow(bob, alice, lambda: query(bob, alice.user_id)["master_keys"], "alice's master key")
    signed = bobs.sign(alices.object("master"), "user_signing")
    body = {alice.user_id: {alices.public("master"): signed}}
    assert bob.post("/keys/signatures/upload", body)["failures"] == {}

    def signatures() -> Json:
        return query(bob, alice.user_id)["master_keys"][alice.user_id].get("signatures", {})

    # COMPAT(Synapse 1.163): the first answer is the other server's as it came.
    bob.wait(signatures, "his own signature")
    assert signatures()[bob.user_id] == signed["signatures"][bob.user_id]


def test_messages_to_devices_arrive_in_order_and_once(
    alice: Person, bob: Person, room_id: str
) -> None:
    device_id = bob.get("/account/whoami")["device_id"]
    for number in range(20):
        wanted = device_id if number % 2 else "*"
        messages = {bob.user_id: {wanted: {"number": number}}}
        alice.put(f"/sendToDevice/m.test/{number}", {"messages": messages})
    bob.wait(lambda: len(bob.to_device) >= 20, "twenty messages")
    bob.sync()
    assert [one["content"]["number"] for one in bob.to_device] == list(range(20))
    assert {(one["sender"], one["type"]) for one in bob.to_device} == {(alice.user_id, "m.test")}


def test_who_was_away_learns_of_devices_and_messages(
    pair: Pair, alice: Person, bob: Person, room_id: str
) -> None:
    phone = publish(alice)
    follow_devices(bob, alice, phone)
    pair[1].stop()
    second = publish(log_in(alice))
    alice.put("/sendToDevice/m.test/1", {"messages": {bob.user_id: {"*": {"number": 1}}}})
    pair[1].start()
    # Whoever hears of the other tries again.
    alice.wait_for_event(room_id, bob.send(room_id, "good morning"))
    follow_devices(bob, alice, phone, second)
    bob.wait(lambda: bob.to_device, "the message")
    assert [one["content"] for one in bob.to_device] == [{"number": 1}]
