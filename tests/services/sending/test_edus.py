"""What is no event: to-device messages, devices and keys, receipts, typing, presence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from impl.app import App
from impl.config.settings import Presence
from impl.jobs import to_device as to_device_job
from impl.services import devices, presence, receipts, typing
from impl.services.sending import catch_up
from impl.services.sending.sender import Sender
from impl.storage import device_lists
from tests.builders import ALICE, BOB, a_requester, a_room, append, member, message
from tests.services.sending.world import Receiver, World, come, rows_of, settle
from tests.to_device import a_person, log_out, send

FAR = "far.example"
DAVE = f"@dave:{FAR}"
ZOE = "@zoe:third.example"
DAY_MS = 86_400_000


@pytest.fixture
def room_id(app: App) -> str:
    """Alice, who has two devices, and Dave."""
    a_person(app, "alice", "A1", "A2")
    room_id = a_room(app)
    come(app, room_id, DAVE)
    return room_id


def waiting(app: App) -> int:
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM outgoing_to_device")
        return txn.fetchone()[0]


def change(app: App, user_id: str, *device_ids: str, gone_ts: int | None = None) -> None:
    with app.database.transaction() as txn:
        device_lists.put(txn, user_id, device_ids, gone_ts)


def put_keys(app: App, user_id: str, device_id: str, keys: str) -> None:
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO device_keys (user_id, device_id, key_json) VALUES (%s, %s, %s)",
            (user_id, device_id, keys),
        )


# To-device messages.


def test_a_message_to_a_device_elsewhere_is_told_its_server_and_gone(
    app: App, sender: Sender, far: Receiver, third: Receiver, room_id: str
) -> None:
    send(app, ALICE, {DAVE: {"D1": {"n": 1.5}, "*": {"n": 2}}, ZOE: {"Z": {}}}, "m.secret")
    settle(sender)
    (content,) = far.edus("m.direct_to_device")
    message_id = content.pop("message_id")
    assert 0 < len(message_id) <= 32
    assert content == {
        "sender": ALICE,
        "type": "m.secret",
        "messages": {DAVE: {"D1": {"n": 1.5}, "*": {"n": 2}}},
    }
    # They need not share a room.
    assert [one["messages"] for one in third.edus("m.direct_to_device")] == [{ZOE: {"Z": {}}}]
    assert waiting(app) == 0


def test_to_device_messages_wait_for_their_server_in_order(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    far.status = None
    for number in range(150):
        send(app, ALICE, {DAVE: {"D1": {"n": number}}})
    settle(sender)
    world.clock.advance(3_600_000)
    settle(sender)
    assert waiting(app) == 150
    far.status = 200
    world.clock.advance(DAY_MS)
    settle(sender)
    told = [one["messages"][DAVE]["D1"]["n"] for one in far.edus("m.direct_to_device")]
    assert told == list(range(150))
    assert [len(one["edus"]) for one in far.transactions] == [100, 50]
    assert waiting(app) == 0
    assert rows_of(app) == {}


def test_to_device_messages_are_told_even_to_who_missed_much(
    app: App,
    sender: Sender,
    world: World,
    far: Receiver,
    room_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catch_up, "REPLAYED_MAX", 1)
    far.status = None
    for number in range(3):
        send(app, ALICE, {DAVE: {"D1": {"n": number}}})
        append(app, room_id, message(ALICE, str(number)))
    change(app, ALICE, "A1")
    settle(sender)
    far.status = 200
    world.clock.advance(DAY_MS)
    settle(sender)
    told = [one["messages"][DAVE]["D1"]["n"] for one in far.edus("m.direct_to_device")]
    assert told == [0, 1, 2]
    assert far.bodies == ["2"]
    assert len(far.edus("m.device_list_update")) == 1
    assert waiting(app) == 0
    assert rows_of(app) == {}


def test_much_for_one_server_goes_in_pieces(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    send(app, ALICE, {DAVE: {f"D{n}": {"x": "y" * 20_000} for n in range(10)}})
    settle(sender)
    pieces = far.edus("m.direct_to_device")
    assert [len(one["messages"][DAVE]) for one in pieces] == [2, 2, 2, 2, 2]
    assert len({one["message_id"] for one in pieces}) == 5


def test_what_nobody_has_taken_for_a_month_is_dropped(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    far.status = None
    send(app, ALICE, {DAVE: {"D1": {}}})
    settle(sender)
    world.clock.advance(29 * DAY_MS)
    to_device_job.drop_undeliverable(app)
    assert waiting(app) == 1
    world.clock.advance(2 * DAY_MS)
    to_device_job.drop_undeliverable(app)
    assert waiting(app) == 0


def test_nobody_is_sent_to_whom_we_do_not_federate_with(
    new_worker: Callable[..., App],
) -> None:
    app = new_worker(federation_domain_whitelist=frozenset({"other.example"}))
    a_person(app, "alice", "A1")
    send(app, ALICE, {DAVE: {"D1": {}}})
    assert waiting(app) == 0


# Devices and keys.


def updates(far: Receiver) -> list[tuple[str, list[int], int]]:
    return [
        (one["device_id"], one["prev_id"], one["stream_id"])
        for one in far.edus("m.device_list_update")
    ]


def test_devices_are_told_of_in_a_sequence_per_user(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    put_keys(app, ALICE, "A1", '{"algorithms":[],"user_id":"@alice:soma.test"}')
    a_person(app, "bob", "B1")
    append(app, room_id, member(BOB, "join"))
    change(app, ALICE, "A1")
    change(app, BOB, "B1")
    change(app, ALICE, "A2", "A1")
    change(app, ALICE, device_lists.CROSS_SIGNING)
    log_out(app, ALICE, "A2")
    change(app, ALICE, "A2", gone_ts=app.now_ms())
    settle(sender)
    told = [one for one in updates(far) if one[0].startswith("A")]
    # Of each device only the last is there to tell, but each says what it follows.
    assert [one[0] for one in told] == ["A1", "A2"]
    assert told[1][1] == [told[0][2]]
    contents = {one["device_id"]: one for one in far.edus("m.device_list_update")}
    assert contents["A1"]["keys"] == {"algorithms": [], "user_id": ALICE}
    assert "device_display_name" not in contents["A1"]
    assert contents["A2"]["deleted"] is True
    assert "keys" not in contents["A2"]
    assert contents["B1"]["prev_id"] == []
    with app.database.read() as txn:
        assert device_lists.get_sequence(txn, ALICE) == told[1][2]
        assert device_lists.get_sequence(txn, "@nobody:soma.test") == 0


def test_each_change_is_told_live_and_the_chain_has_no_holes(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    for device_id in ("A1", "A2", "A1", "A1"):
        change(app, ALICE, device_id)
        settle(sender)
    told = updates(far)
    assert [one[0] for one in told] == ["A1", "A2", "A1", "A1"]
    assert [one[1] for one in told] == [[], *([one[2]] for one in told[:-1])]


def test_names_of_devices_are_told_where_that_is_allowed(
    new_worker: Callable[..., App], new_sender: Callable[[App], Sender], far: Receiver
) -> None:
    app = new_worker(allow_device_name_lookup_over_federation=True)
    sender = new_sender(app)
    a_person(app, "alice", "A1")
    come(app, a_room(app), DAVE)
    put_keys(app, ALICE, "A1", "{}")
    devices.put(app, a_requester(ALICE), "A1", "my telephone")
    settle(sender)
    assert far.edus("m.device_list_update")[-1]["device_display_name"] == "my telephone"


def test_keys_that_nobody_can_sign_hold_up_nothing(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    put_keys(app, ALICE, "A1", '{"a":' * 250 + "1" + "}" * 250)
    change(app, ALICE, "A1")
    append(app, room_id, message(ALICE, "and on"))
    settle(sender)
    assert far.bodies == ["and on"]
    assert far.edus("m.device_list_update") == []


def test_who_shares_no_room_is_told_nothing(
    app: App, sender: Sender, far: Receiver, third: Receiver, room_id: str
) -> None:
    a_person(app, "bob", "B1")
    change(app, BOB, "B1")
    change(app, ALICE, "A1")
    settle(sender)
    assert [one["user_id"] for one in far.edus("m.device_list_update")] == [ALICE]
    assert third.transactions == []


def test_keys_for_cross_signing_are_told(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    with app.database.transaction() as txn:
        for usage in ("master", "self_signing", "user_signing"):
            txn.execute(
                "INSERT INTO cross_signing_keys (user_id, usage, public_key, key_json)"
                " VALUES (%s, %s, %s, %s)",
                (ALICE, usage, usage, f'{{"usage":["{usage}"]}}'),
            )
    change(app, ALICE, device_lists.CROSS_SIGNING)
    settle(sender)
    assert far.edus("m.signing_key_update") == [
        {
            "user_id": ALICE,
            "master_key": {"usage": ["master"]},
            "self_signing_key": {"usage": ["self_signing"]},
        }
    ]
    assert far.edus("m.device_list_update") == []


# What is short-lived.


def read(
    app: App, room_id: str, event_id: str, kind: str = "m.read", thread_id: str | None = None
) -> None:
    receipts.send(app, a_requester(ALICE), room_id, kind, event_id, thread_id)


def test_read_receipts_are_told_and_private_ones_are_not(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    first, second = append(app, room_id, message(ALICE, "one"), message(ALICE, "two"))
    read(app, room_id, first)
    read(app, room_id, second, "m.read.private")
    settle(sender)
    assert far.edus("m.receipt") == [
        {room_id: {"m.read": {ALICE: {"event_ids": [first], "data": {"ts": world.clock.ms}}}}}
    ]
    read(app, room_id, second, thread_id="main")
    settle(sender)
    assert far.edus("m.receipt")[-1][room_id]["m.read"][ALICE]["data"] == {
        "ts": world.clock.ms,
        "thread_id": "main",
    }


def test_what_replaces_another_is_told_alone(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    said = append(app, room_id, *(message(ALICE, str(number)) for number in range(5)))
    app.news.catch_up()
    sender.turn()
    sender.post.delivery.join()
    for event_id in said:
        read(app, room_id, event_id)
        app.news.catch_up()
        sender.turn()
    # It waits a moment for others to go with.
    sender.post.delivery.join()
    assert far.edus("m.receipt") == []
    append(app, room_id, message(ALICE, "more"))
    app.news.catch_up()
    sender.turn()
    sender.post.delivery.join()
    (told,) = far.edus("m.receipt")
    assert told[room_id]["m.read"][ALICE]["event_ids"] == [said[-1]]
    assert len(far.transactions) == 2


def test_who_is_typing_is_told_at_once(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    typing.start(app, a_requester(ALICE), room_id, ALICE, 30_000)
    app.news.catch_up()
    sender.turn()
    sender.post.delivery.join()
    assert far.edus("m.typing") == [{"room_id": room_id, "user_id": ALICE, "typing": True}]
    typing.stop(app, a_requester(ALICE), room_id, ALICE)
    settle(sender)
    assert [one["typing"] for one in far.edus("m.typing")] == [True, False]


def test_presence_is_told_to_who_shares_a_room(
    app: App, sender: Sender, world: World, far: Receiver, third: Receiver, room_id: str
) -> None:
    presence.put(app, a_requester(ALICE), ALICE, "online", "here")
    settle(sender)
    (told,) = far.edus("m.presence")[-1:]
    (one,) = told["push"]
    assert (one["user_id"], one["presence"], one["status_msg"]) == (ALICE, "online", "here")
    assert one["last_active_ago"] >= 0
    assert one["currently_active"] is True
    assert third.transactions == []


def test_presence_that_is_turned_off_is_not_told(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    presence.put(app, a_requester(ALICE), ALICE, "online", "here")
    app.config = replace(app.config, presence=Presence(enabled=False))
    settle(sender)
    assert far.edus("m.presence") == []


def test_what_is_short_lived_is_not_told_late(
    app: App, sender: Sender, world: World, far: Receiver, room_id: str
) -> None:
    (event_id,) = append(app, room_id, message(ALICE, "one"))
    settle(sender)
    far.status = None
    for _ in range(10):
        read(app, room_id, event_id)
        typing.start(app, a_requester(ALICE), room_id, ALICE, 30_000)
        presence.put(app, a_requester(ALICE), ALICE, "online", "here")
        settle(sender)
        world.clock.advance(60_000)
    assert rows_of(app)[FAR]["failure"] == "nobody is there"
    # Nothing is missed by that.
    assert rows_of(app)[FAR]["served_position"] is None
    far.status = 200
    world.clock.advance(DAY_MS)
    settle(sender)
    append(app, room_id, message(ALICE, "two"))
    settle(sender)
    assert far.bodies == ["one", "two"]
    assert [one["edus"] for one in far.transactions] == [[], []]
    assert rows_of(app) == {}


def test_rooms_of_ours_alone_are_nobody_s_business(
    app: App, sender: Sender, far: Receiver, room_id: str
) -> None:
    other_room_id = a_room(app, room_version="11")
    (event_id,) = append(app, other_room_id, message(ALICE, "among us"))
    read(app, other_room_id, event_id)
    typing.start(app, a_requester(ALICE), other_room_id, ALICE, 30_000)
    settle(sender)
    assert far.edus("m.receipt") == far.edus("m.typing") == []
