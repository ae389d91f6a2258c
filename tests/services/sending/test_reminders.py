"""What is told again, and what newcomers show of themselves."""

import itertools

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services import presence, typing
from impl.services.sending import greetings
from impl.services.sending.sender import Sender
from impl.storage import device_lists
from tests.builders import ALICE, BOB, a_requester, a_room, append, member
from tests.services.sending.world import Receiver, World, come, settle
from tests.to_device import a_person

FAR = "far.example"
DAVE = f"@dave:{FAR}"
ENCRYPTION = Draft("m.room.encryption", ALICE, {"algorithm": "m.megolm.v1.aes-sha2"}, "")


@pytest.fixture
def room_id(app: App, far: Receiver) -> str:
    a_person(app, "alice", "A1")
    room_id = a_room(app)
    come(app, room_id, DAVE)
    return room_id


def let_pass(world: World, sender: Sender, ms: int, step_ms: int) -> None:
    for _ in range(ms // step_ms):
        world.clock.advance(step_ms)
        settle(sender)


def test_who_goes_on_typing_is_told_of_before_a_minute_is_over(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    typing.start(app, a_requester(ALICE), room_id, ALICE, 120_000)
    settle(sender)
    seen = [world.clock.ms]
    for _ in range(100):
        before = len(far.edus("m.typing"))
        let_pass(world, sender, 1_000, 1_000)
        if len(far.edus("m.typing")) > before:
            seen.append(world.clock.ms)
    assert [one["typing"] for one in far.edus("m.typing")] == [True] * len(seen)
    gaps = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert len(gaps) >= 2
    assert max(gaps) < 45_000
    assert min(gaps) >= 30_000
    typing.stop(app, a_requester(ALICE), room_id, ALICE)
    settle(sender)
    let_pass(world, sender, 100_000, 10_000)
    assert [one["typing"] for one in far.edus("m.typing")][len(seen) :] == [False]


def test_who_is_there_is_told_of_every_25_minutes_and_who_is_not_is_not(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    for name, state in (("alice", "online"), ("bob", "offline")):
        user_id = f"@{name}:soma.test"
        append(app, room_id, member(user_id, "join"))
        presence.put(app, a_requester(user_id), user_id, state, None)
    settle(sender)
    let_pass(world, sender, greetings.AFTER_MS, greetings.AFTER_MS)
    told = len(far.edus("m.presence"))
    let_pass(world, sender, 50 * 60_000, 30_000)
    again = [one["push"][0] for one in far.edus("m.presence")[told:]]
    assert [one["user_id"] for one in again] == [ALICE, ALICE]
    assert again[0]["presence"] == "online"


def devices_told(far: Receiver) -> list[str]:
    return [one["user_id"] for one in far.edus("m.device_list_update")]


def test_who_comes_into_an_encrypted_room_shows_their_devices(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    a_person(app, "bob", "B1")
    with app.database.transaction() as txn:
        device_lists.put(txn, BOB, ["B1", "B2"])
    append(app, room_id, ENCRYPTION)
    settle(sender)
    assert devices_told(far) == []
    append(app, room_id, member(BOB, "join"))
    settle(sender)
    (told,) = far.edus("m.device_list_update")
    assert (told["user_id"], told["device_id"]) == (BOB, "B2")
    with app.database.read() as txn:
        assert told["stream_id"] == device_lists.get_sequence(txn, BOB)
    # It goes with the event.
    assert [len(one["pdus"]) for one in far.transactions if one["edus"]] == [1]
    append(app, room_id, member(BOB, "join", displayname="Bob"))
    other = a_room(
        app,
        BOB,
        room_version="11",
        first=[Draft(ENCRYPTION.type, BOB, ENCRYPTION.content, "")],
    )
    come(app, other, DAVE)
    append(app, other, member(ALICE, "join"))
    settle(sender)
    # Bob's they follow already, and Alice has none.
    assert devices_told(far) == [BOB]


def test_in_other_rooms_nobody_is_troubled_with_it(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    with app.database.transaction() as txn:
        device_lists.put(txn, BOB, ["B1"])
    settle(sender)
    append(app, room_id, member(BOB, "join"))
    settle(sender)
    assert devices_told(far) == []
