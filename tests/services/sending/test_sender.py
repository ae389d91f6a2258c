"""What other servers are told: of what, in which order, in what pieces."""

import json
from collections.abc import Callable

import nacl.signing
import pytest

from impl.app import App
from impl.core import canonical_json
from impl.core.event_builder import Draft
from impl.core.request_auth import parse, signed_bytes
from impl.core.unpadded_base64 import decode_base64
from impl.services.sending.sender import Sender
from tests.builders import ALICE, BOB, SERVER_NAME, a_room, a_signing_key, append, member, message
from tests.services.room_events.inspection import stored
from tests.services.sending.world import World, come, kick, settle, shard_positions, table_sizes

FAR = "far.example"
DAVE = f"@dave:{FAR}"
ZOE = "@zoe:third.example"


def test_what_is_said_here_is_told_to_the_servers_in_the_room(
    app: App, sender: Sender, world: World
) -> None:
    far, third, nobody = map(world.receiver, (FAR, "third.example", "nobody.example"))
    room_id = a_room(app)
    come(app, room_id, DAVE)
    come(app, room_id, ZOE)
    (event_id,) = append(app, room_id, message(ALICE, "hello"))
    settle(sender)

    assert far.bodies == third.bodies == ["hello"]
    assert nobody.transactions == []
    (transaction,) = far.transactions
    assert transaction["origin"] == SERVER_NAME
    assert transaction["origin_server_ts"] == world.clock.ms
    assert transaction["edus"] == []
    expected = dict(stored(app, room_id, event_id).event.pdu)
    expected.pop("unsigned", None)
    assert transaction["pdus"] == [expected]


def test_what_others_said_is_theirs_to_tell(app: App, sender: Sender, world: World) -> None:
    far = world.receiver(FAR)
    room_id = a_room(app)
    come(app, room_id, DAVE)
    come(app, room_id, ZOE)
    settle(sender)
    assert far.transactions == []


def test_a_server_is_not_told_what_was_before_it_came(
    app: App, sender: Sender, world: World
) -> None:
    far, third = world.receiver(FAR), world.receiver("third.example")
    room_id = a_room(app)
    come(app, room_id, DAVE)
    append(app, room_id, message(ALICE, "one"))
    come(app, room_id, ZOE)
    append(app, room_id, message(ALICE, "two"))
    come(app, room_id, DAVE, "leave")
    append(app, room_id, message(ALICE, "three"))
    # The sender comes late: who is in the room now says nothing of then.
    settle(sender)
    assert far.bodies == ["one", "two"]
    assert third.bodies == ["two", "three"]


@pytest.mark.parametrize("membership", ["leave", "ban"])
def test_a_kick_reaches_the_server_of_who_was_kicked(
    app: App, sender: Sender, world: World, membership: str
) -> None:
    far = world.receiver(FAR)
    room_id = a_room(app)
    come(app, room_id, DAVE)
    append(app, room_id, member(DAVE, membership, ALICE), message(ALICE, "at last"))
    settle(sender)
    assert [pdu["content"]["membership"] for pdu in far.pdus] == [membership]


def test_an_invite_that_is_taken_back_reaches_who_was_invited(
    app: App, sender: Sender, world: World
) -> None:
    far = world.receiver(FAR)
    room_id = a_room(app)
    append(app, room_id, member(DAVE, "invite", ALICE))
    settle(sender)
    assert far.transactions == []  # It goes by a request of its own.
    append(app, room_id, kick(DAVE, ALICE))
    settle(sender)
    assert [pdu["content"]["membership"] for pdu in far.pdus] == ["leave"]


def test_what_is_left_to_us_does_not_go_back_to_where_it_came_from(
    app: App, sender: Sender, world: World
) -> None:
    far, third = world.receiver(FAR), world.receiver("third.example")
    room_id = a_room(app)
    come(app, room_id, DAVE)
    come(app, room_id, ZOE, is_outgoing=True)
    settle(sender)
    assert third.transactions == []
    assert [pdu["state_key"] for pdu in far.pdus] == [ZOE]


def test_in_order_and_fifty_at_a_time(app: App, sender: Sender, world: World) -> None:
    far = world.receiver(FAR)
    room_id, other_room_id = a_room(app), a_room(app, room_version="11")
    for one in (room_id, other_room_id):
        come(app, one, DAVE)
    said = [str(number) for number in range(120)]
    for start in range(0, 120, 10):
        append(
            app,
            room_id if start % 20 else other_room_id,
            *(message(ALICE, text) for text in said[start : start + 10]),
        )
    settle(sender)
    assert far.bodies == said
    assert [len(one["pdus"]) for one in far.transactions] == [50, 50, 20]


def test_the_next_transaction_grows_while_one_is_under_way(
    app: App, sender: Sender, world: World
) -> None:
    far, third = world.receiver(FAR), world.receiver("third.example")
    gate = world.network.hold(SERVER_NAME, FAR, "/send/")
    room_id = a_room(app)
    come(app, room_id, DAVE)
    come(app, room_id, ZOE)
    for number in range(5):
        append(app, room_id, message(ALICE, str(number)))
        app.news.catch_up()
        sender.turn()
        gate.wait()
    # Nobody else waits for it.
    while len(third.bodies) < 5:
        sender.app.pause(0.001)
    assert far.transactions == []
    gate.open()
    settle(sender)
    assert [len(one["pdus"]) for one in far.transactions] == [1, 4]
    assert far.bodies == third.bodies == ["0", "1", "2", "3", "4"]


def test_a_transaction_is_signed_as_it_stands(app: App, sender: Sender, world: World) -> None:
    world.receiver(FAR)
    wire, seen = world.network.wire_of(SERVER_NAME), []
    inner = wire.request

    def request(destination: str, method: str, target: str, **options: object) -> object:
        seen.append((destination, method, target, options))
        return inner(destination, method, target, **options)  # type: ignore[arg-type]

    sender.post.delivery.federation.wire.request = request  # type: ignore[method-assign]
    room_id = a_room(app, room_version="5")
    come(app, room_id, DAVE)
    append(app, room_id, Draft("m.room.message", ALICE, {"body": "hé\u2028", "half": 0.5}))
    settle(sender)
    ((destination, method, target, options),) = seen
    body = options["body"]
    given = parse(options["headers"]["Authorization"])
    signed = signed_bytes(method, target, SERVER_NAME, destination, body)
    assert nacl.signing.VerifyKey(a_signing_key().verify_key).verify(
        signed, decode_base64(given.signature)
    )
    assert canonical_json.encode(json.loads(body), strict=False) == body


def test_a_pdu_that_is_refused_is_not_sent_again(app: App, sender: Sender, world: World) -> None:
    far = world.receiver(FAR)
    room_id = a_room(app)
    come(app, room_id, DAVE)
    (event_id,) = append(app, room_id, message(ALICE, "no"))
    far.answer = {"pdus": {event_id: {"error": "we do not like it"}}}
    settle(sender)
    append(app, room_id, message(ALICE, "yes"))
    settle(sender)
    assert far.bodies == ["no", "yes"]


@pytest.mark.parametrize("answer", [{}, {"pdus": []}, {"pdus": {"$x": "?"}}, [1]])
def test_whatever_a_server_says_that_it_took_it_has_it(
    app: App, sender: Sender, world: World, answer: object
) -> None:
    far = world.receiver(FAR)
    far.answer = answer  # type: ignore[assignment]
    room_id = a_room(app)
    come(app, room_id, DAVE)
    for text in ("one", "two"):
        append(app, room_id, message(ALICE, text))
        settle(sender)
    assert far.bodies == ["one", "two"]


def test_servers_that_we_do_not_federate_with_are_told_nothing(
    new_worker: Callable[..., App], new_sender: Callable[[App], Sender], world: World
) -> None:
    far, third = world.receiver(FAR), world.receiver("third.example")
    app = new_worker(federation_domain_whitelist=frozenset({"third.example"}))
    sender = new_sender(app)
    room_id = a_room(app)
    come(app, room_id, DAVE)
    come(app, room_id, ZOE)
    append(app, room_id, message(ALICE, "hello"))
    settle(sender)
    assert far.txn_ids == []
    assert third.bodies == ["hello"]


def test_a_message_writes_the_same_rows_whatever_the_number_of_servers(
    app: App, sender: Sender, world: World
) -> None:
    written = []
    for servers in (1, 30):
        room_id = a_room(app, room_version="11")
        for number in range(servers):
            world.receiver(f"s{number}.example")
            come(app, room_id, f"@u:s{number}.example")
        append(app, room_id, message(ALICE, "first"))
        settle(sender)
        before = table_sizes(app)
        append(app, room_id, message(ALICE, "hello"))
        settle(sender)
        written.append(table_sizes(app) - before)
    assert written[0] == written[1]
    assert len(world.receivers["s29.example"].bodies) == 2


def test_the_position_is_written_down_once_all_have_it(
    app: App, sender: Sender, world: World
) -> None:
    world.receiver(FAR)
    gate = world.network.hold(SERVER_NAME, FAR)
    room_id = a_room(app)
    come(app, room_id, DAVE)
    append(app, room_id, message(ALICE, "hello"))
    app.news.catch_up()
    said_at = app.news.position
    sender.turn()
    gate.wait()
    sender.checkpoint()
    shard = sender.shards.of(FAR)
    assert shard_positions(app)[shard] == said_at - 1
    gate.open()
    settle(sender)
    assert shard_positions(app)[shard] == said_at


def test_what_is_for_nobody_else_is_not_looked_at(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    settle(sender)
    asked = []
    monkeypatch.setattr("impl.services.sending.stream.read", lambda *given: asked.append(given))
    append(app, room_id, message(ALICE, "among us"))
    app.news.catch_up()
    sender.turn()
    assert asked == []
    assert set(sender.shards.positions.values()) == {app.news.position}
