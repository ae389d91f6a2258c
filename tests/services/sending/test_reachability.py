"""Who is worth asking: what one worker found out the others know, and a server that asks us is
there.
"""

from collections.abc import Callable
from itertools import pairwise

import pytest

from impl.app import App
from impl.outbound.failures import Unreachable
from impl.services import sending
from impl.services.sending import reachability
from impl.services.sending.sender import Sender
from impl.storage import destinations
from tests.builders import ALICE, a_room, append, message
from tests.services.sending.world import World, come, rows_of, settle

FAR = "far.example"
DAVE = f"@dave:{FAR}"


@pytest.fixture
def workers(new_worker: Callable[..., App]) -> tuple[App, App]:
    one, other = new_worker(), new_worker()
    for app in (one, other):
        reachability.watch(app)
    return one, other


def ask(app: App) -> None:
    app.federation.get_event(FAR, "$event")


def insist(app: App) -> None:
    app.federation.get_public_rooms(FAR, {})


def test_who_did_not_answer_is_not_asked_again_by_anybody(
    workers: tuple[App, App], world: World
) -> None:
    far = world.receiver(FAR)
    far.status = None
    with pytest.raises(Unreachable, match="nobody is there"):
        ask(workers[0])
    for app in workers:
        with pytest.raises(Unreachable, match="is not asked for another .* s, since: nobody"):
            ask(app)
    assert len(far.txn_ids) == 1
    # What a user waits for is tried.
    with pytest.raises(Unreachable, match="nobody is there"):
        insist(workers[1])
    assert len(far.txn_ids) == 2


def test_who_answers_again_is_asked(workers: tuple[App, App], world: World) -> None:
    far = world.receiver(FAR)
    far.status = None
    with pytest.raises(Unreachable):
        ask(workers[0])
    far.status, far.answer = 200, {"chunk": []}
    insist(workers[0])
    ask(workers[0])
    assert rows_of(workers[0]) == {}


def test_a_server_that_refuses_is_there(workers: tuple[App, App], world: World) -> None:
    far = world.receiver(FAR)
    far.status, far.answer = 404, {"errcode": "M_NOT_FOUND"}
    for _ in range(2):
        with pytest.raises(Exception, match="M_NOT_FOUND"):
            ask(workers[0])
    assert rows_of(workers[0]) == {}


def test_a_failure_is_held_against_a_server_longer_each_time(
    workers: tuple[App, App], world: World
) -> None:
    world.receiver(FAR).status = None
    pauses = []
    for _ in range(5):
        with pytest.raises(Unreachable, match="nobody is there"):
            ask(workers[0])
        pauses.append(rows_of(workers[0])[FAR]["retry_ts"] - world.clock.ms)
        world.clock.advance(pauses[-1])
    assert pauses == sorted(pauses)
    assert pauses[0] < 60_000 < pauses[-1]
    # That it fails is all that is known: nothing waits for it.
    assert rows_of(workers[0])[FAR]["served_position"] is None


def hear(app: App) -> None:
    """It asks us something; whoever heard it before has forgotten that."""
    app.part(reachability.Reachability, reachability.Reachability)._heard.clear()
    sending.note_alive(app, FAR)


def test_a_server_that_asks_us_is_told_soon_what_it_missed(
    app: App, sender: Sender, world: World
) -> None:
    far = world.receiver(FAR)
    far.status = None
    room_id = a_room(app)
    come(app, room_id, DAVE)
    append(app, room_id, message(ALICE, "missed"))
    settle(sender)
    far.status = 200
    hear(app)
    world.clock.advance(destinations.WAKE_MS_MIN - 1)
    settle(sender)
    assert far.bodies == []
    # It need not say anything more for that.
    world.clock.advance(1_000)
    settle(sender)
    assert far.bodies == ["missed"]


def test_a_server_that_asks_us_and_never_answers_is_not_tried_each_time(
    app: App, sender: Sender, world: World
) -> None:
    far = world.receiver(FAR)
    far.status = None
    room_id = a_room(app)
    come(app, room_id, DAVE)
    append(app, room_id, message(ALICE, "missed"))
    tried = []
    for second in range(700):
        before = len(far.txn_ids)
        hear(app)
        settle(sender)
        if len(far.txn_ids) > before:
            tried.append(second)
        world.clock.advance(1_000)
    between = [later - earlier for earlier, later in pairwise(tried)]
    assert 5 <= between[0] < 10
    assert all(60 <= pause < 70 for pause in between[-3:])
    assert between == sorted(between)


def test_that_somebody_is_there_is_not_looked_up_each_time(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        "impl.storage.destinations.wake", lambda txn, name, ts: bool(asked.append(name))
    )
    for _ in range(3):
        sending.note_alive(app, FAR)
        sending.note_alive(app, "third.example")
    assert asked == [FAR, "third.example"]


def test_a_server_that_others_could_not_ask_is_told_when_that_is_over(
    app: App, sender: Sender, world: World
) -> None:
    reachability.watch(app)
    far = world.receiver(FAR)
    far.status = None
    with pytest.raises(Unreachable):
        ask(app)
    far.status = 200
    room_id = a_room(app)
    come(app, room_id, DAVE)
    append(app, room_id, message(ALICE, "missed"))
    settle(sender)
    assert rows_of(app)[FAR]["served_position"] is not None
    assert rows_of(app)[FAR]["failure"] == "nobody is there"
    world.clock.advance(60_000)
    append(app, room_id, message(ALICE, "new"))
    settle(sender)
    assert far.bodies == ["missed", "new"]
    assert rows_of(app) == {}
