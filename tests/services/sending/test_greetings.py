"""Who comes into a room is shown who is there, and shows themselves."""

import pytest

from impl.app import App
from impl.services import presence, typing
from impl.services.sending import greetings
from impl.services.sending.sender import Sender
from impl.storage import device_lists
from tests.builders import ALICE, BOB, a_requester, a_room, append, member
from tests.services.sending.world import Receiver, World, come, settle
from tests.to_device import a_person

FAR = "far.example"
DAVE = f"@dave:{FAR}"
ERIN = f"@erin:{FAR}"
ZOE = "@zoe:third.example"


@pytest.fixture
def room_id(app: App, sender: Sender) -> str:
    """Alice and Bob; she is there, and he is not."""
    a_person(app, "alice", "A1")
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    for user_id, state in ((ALICE, "online"), (BOB, "offline")):
        presence.put(app, a_requester(user_id), user_id, state, None)
    settle(sender)
    return room_id


def later(world: World, sender: Sender) -> None:
    settle(sender)
    world.clock.advance(greetings.AFTER_MS)
    settle(sender)


def told(receiver: Receiver) -> list[tuple[str, str]]:
    return [
        (one["user_id"], one["presence"])
        for edu in receiver.edus("m.presence")
        for one in edu["push"]
    ]


def test_a_server_that_comes_is_told_who_is_there(
    app: App, sender: Sender, world: World, far: Receiver, third: Receiver, room_id: str
) -> None:
    come(app, room_id, DAVE)
    later(world, sender)
    assert told(far) == [(ALICE, "online")]
    # It knows now; another one does not.
    come(app, room_id, ERIN)
    come(app, room_id, ZOE)
    later(world, sender)
    assert told(far) == told(third) == [(ALICE, "online")]


def test_a_server_of_which_two_come_at_once_is_told(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    come(app, room_id, DAVE)
    come(app, room_id, ERIN)
    later(world, sender)
    assert told(far) == [(ALICE, "online")]


def test_what_is_told_is_what_is_so_then(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    come(app, room_id, DAVE)
    settle(sender)
    presence.put(app, a_requester(BOB), BOB, "unavailable", None)
    presence.put(app, a_requester(ALICE), ALICE, "offline", None)
    later(world, sender)
    assert sorted(told(far)[-3:]) == [
        (ALICE, "offline"),
        (BOB, "unavailable"),
        (BOB, "unavailable"),
    ]


def test_who_has_left_by_then_is_told_nothing(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    come(app, room_id, DAVE)
    come(app, room_id, DAVE, "leave")
    later(world, sender)
    assert told(far) == []


@pytest.mark.parametrize("through_another_server", [False, True])
def test_who_comes_to_others_is_shown_to_those_who_did_not_know_them(
    app: App,
    sender: Sender,
    world: World,
    far: Receiver,
    third: Receiver,
    room_id: str,
    through_another_server: bool,
) -> None:
    come(app, room_id, DAVE)
    later(world, sender)
    presence.put(app, a_requester(BOB), BOB, "online", None)
    other_room_id = a_room(app, "@carol:soma.test", room_version="11")
    come(app, other_room_id, ERIN)
    come(app, other_room_id, ZOE)
    later(world, sender)
    assert (told(far), told(third)) == ([(ALICE, "online"), (BOB, "online")], [])
    if through_another_server:
        come(app, other_room_id, BOB)
    else:
        append(app, other_room_id, member(BOB, "join"))
    later(world, sender)
    assert (told(far)[2:], told(third)) == ([], [(BOB, "online")])
    # The profile is nothing new.
    append(app, other_room_id, member(BOB, "join", displayname="Bob"))
    later(world, sender)
    assert (told(far)[2:], told(third)) == ([], [(BOB, "online")])


def test_many_are_told_of_together(
    app: App,
    sender: Sender,
    world: World,
    far: Receiver,
    room_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("impl.services.sending.edus.USERS_AT_ONCE", 3)
    names = [f"@u{number}:soma.test" for number in range(7)]
    append(app, room_id, *(member(name, "join") for name in names))
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO presence (user_id, state, last_active_ts, is_currently_active, position)"
            " SELECT name, 'online', 0, FALSE, n"
            "   FROM unnest(%s) WITH ORDINALITY AS u (name, n)",
            (names,),
        )
    come(app, room_id, DAVE)
    later(world, sender)
    assert [len(edu["push"]) for edu in far.edus("m.presence")] == [3, 3, 2]
    assert {one[0] for one in told(far)} == {ALICE, *names}


def test_a_server_that_comes_is_told_of_devices_from_then_on_and_not_of_who_types(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    typing.start(app, a_requester(ALICE), room_id, ALICE, 10_000)
    with app.database.transaction() as txn:
        device_lists.put(txn, ALICE, ["A1"])
    settle(sender)
    come(app, room_id, DAVE)
    later(world, sender)
    assert far.edus("m.typing") == far.edus("m.device_list_update") == []
    with app.database.transaction() as txn:
        device_lists.put(txn, ALICE, ["A2"])
    settle(sender)
    (update,) = far.edus("m.device_list_update")
    # Who does not know what came before asks for all.
    assert (update["device_id"], len(update["prev_id"])) == ("A2", 1)
