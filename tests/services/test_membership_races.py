"""Memberships that change between what a use case reads and what it writes.

One room, held by the test: an action of one worker waits for it, then one of another, which has
read already what the first is about to change. PostgreSQL lets those who wait in one after the
other."""

from collections.abc import Callable

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import membership, room_reading
from impl.services.room_events import batching
from impl.services.room_events.submission import Submission
from impl.storage import profiles, rooms
from tests import builders
from tests.builders import ALICE, BOB, CHARLIE, a_requester

alice, bob = a_requester(ALICE), a_requester(BOB)

Action = Callable[[App], object]


@pytest.fixture
def workers(new_app: Callable[..., App]) -> tuple[App, App]:
    """Two, on one database."""
    first = new_app()
    return first, new_app(dsn=first.database.dsn)


def until_waiting(app: App, count: int) -> None:
    """Returns when so many transactions wait for a lock."""
    with gevent.Timeout(30):
        while _waiting(app) < count:
            gevent.sleep(0.005)


def _waiting(app: App) -> int:
    with app.database.read() as txn:
        txn.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return txn.fetchone()[0]


def one_after_the_other(
    workers: tuple[App, App], room_id: str, first: Action, second: Action
) -> object:
    """What became of the second action: its result, or what it was refused with."""
    app = workers[0]
    with app.database.transaction() as txn:
        room = room_reading.get(app, txn, room_id)
        rooms.lock(txn, [room.room_nid], skip_locked=False)
        running = gevent.spawn(first, app)
        until_waiting(app, 1)
        last = gevent.spawn(_refusal_or_result, second, workers[1])
        until_waiting(app, 2)
    running.get()
    return last.get()


def _refusal_or_result(action: Action, app: App) -> object:
    try:
        return action(app)
    except errors.MatrixError as refusal:
        return refusal


def state_of(app: App, room_id: str, user_id: str) -> str:
    with app.database.read() as txn:
        return room_reading.membership(txn, room_reading.get(app, txn, room_id), user_id)


def a_room_with_bob(app: App) -> str:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    return room_id


def test_a_kick_does_not_lift_a_ban(workers: tuple[App, App]) -> None:
    room_id = a_room_with_bob(workers[0])
    refusal = one_after_the_other(
        workers,
        room_id,
        lambda app: membership.ban(app, alice, room_id, BOB),
        lambda app: membership.kick(app, alice, room_id, BOB),
    )
    assert isinstance(refusal, errors.Forbidden)
    assert state_of(workers[0], room_id, BOB) == "ban"


def test_an_unban_does_not_kick_who_has_come_back(workers: tuple[App, App]) -> None:
    room_id = a_room_with_bob(workers[0])
    membership.ban(workers[0], alice, room_id, BOB)

    def let_in(app: App) -> None:
        builders.append(
            app, room_id, builders.member(BOB, "leave", ALICE), builders.member(BOB, "join")
        )

    refusal = one_after_the_other(
        workers, room_id, let_in, lambda app: membership.unban(app, alice, room_id, BOB)
    )
    assert isinstance(refusal, errors.Forbidden)
    assert state_of(workers[0], room_id, BOB) == "join"


def test_a_new_name_does_not_bring_back_who_has_left(workers: tuple[App, App]) -> None:
    room_id = a_room_with_bob(workers[0])
    with workers[0].database.transaction() as txn:
        profiles.put(txn, BOB, "displayname", "Robert")
    result = one_after_the_other(
        workers,
        room_id,
        lambda app: membership.leave(app, bob, room_id),
        lambda app: membership.repeat_profile(app, BOB),
    )
    assert result is None
    assert state_of(workers[0], room_id, BOB) == "leave"


def test_nor_does_one_that_is_set_as_state(workers: tuple[App, App]) -> None:
    room_id = a_room_with_bob(workers[0])
    named = {"membership": "join", "displayname": "Robert"}
    refusal = one_after_the_other(
        workers,
        room_id,
        lambda app: membership.kick(app, alice, room_id, BOB),
        lambda app: membership.put_content(app, bob, room_id, BOB, named),
    )
    assert isinstance(refusal, errors.Forbidden)
    assert state_of(workers[0], room_id, BOB) == "leave"


@pytest.mark.parametrize("act", [membership.leave, membership.kick])
def test_who_leaves_while_they_are_leaving_has_left(workers: tuple[App, App], act: Action) -> None:
    room_id = a_room_with_bob(workers[0])
    arguments = (alice, room_id, BOB) if act is membership.kick else (bob, room_id)
    result = one_after_the_other(
        workers,
        room_id,
        lambda app: act(app, *arguments),
        lambda app: membership.leave(app, bob, room_id),
    )
    assert result is None
    assert state_of(workers[0], room_id, BOB) == "leave"


def test_who_leaves_while_they_are_banned_stays_banned(workers: tuple[App, App]) -> None:
    room_id = a_room_with_bob(workers[0])
    refusal = one_after_the_other(
        workers,
        room_id,
        lambda app: membership.ban(app, alice, room_id, BOB),
        lambda app: membership.leave(app, bob, room_id),
    )
    assert isinstance(refusal, errors.Forbidden)
    assert state_of(workers[0], room_id, BOB) == "ban"


def test_guests_who_have_left_are_not_made_to_leave_again(workers: tuple[App, App]) -> None:
    app = workers[0]
    access = Draft("m.room.guest_access", ALICE, {"guest_access": "can_join"}, "")
    room_id = builders.a_room(app, first=[access])
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO users (user_id, created_ts, is_guest) VALUES (%s, 0, TRUE)", (BOB,)
        )
    membership.join(app, a_requester(BOB, is_guest=True), room_id)
    builders.append(
        app, room_id, Draft("m.room.guest_access", ALICE, {"guest_access": "forbidden"}, "")
    )
    result = one_after_the_other(
        workers,
        room_id,
        lambda app: membership.ban(app, alice, room_id, BOB),
        lambda app: membership.remove_guests(app, room_id),
    )
    assert result is None
    assert state_of(app, room_id, BOB) == "ban"


def test_who_vouches_may_leave_as_long_as_another_can(workers: tuple[App, App]) -> None:
    app = workers[0]
    club = builders.a_room(app)
    allow = [{"type": "m.room_membership", "room_id": club}]
    rules = Draft("m.room.join_rules", ALICE, {"join_rule": "restricted", "allow": allow}, "")
    room_id = builders.a_room(app, room_version="11", first=[rules])
    levels = {"invite": 50, "users": {ALICE: 100, CHARLIE: 50}}
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, levels, ""))
    for who in (a_requester(CHARLIE), bob):
        membership.join(app, who, club)
    membership.join(app, a_requester(CHARLIE), room_id)
    result = one_after_the_other(
        workers,
        room_id,
        lambda app: membership.leave(app, alice, room_id),
        lambda app: membership.join(app, bob, room_id),
    )
    assert result == room_id
    assert state_of(app, room_id, BOB) == "join"


def test_what_is_expected_is_compared_with_what_came_before_in_the_batch(app: App) -> None:
    room_id = a_room_with_bob(app)
    leave = Submission(room_id, [builders.member(BOB, "leave")], expected={BOB: ("join",)})
    tries = [gevent.spawn(_refusal_or_result, _submitter(leave), app) for _ in range(3)]
    made = [one.get() for one in tries]
    assert [isinstance(one, errors.Forbidden) for one in made].count(True) == 2


def _submitter(submission: Submission) -> Action:
    return lambda app: batching.submit(app, submission)


@pytest.mark.parametrize(
    ("expected", "is_fine"),
    [
        ({BOB: ("join", "invite")}, True),
        ({BOB: ("invite",)}, False),
        # Who never was there has left.
        ({"@nobody:soma.test": ("leave",)}, True),
        ({BOB: ("join",), "@nobody:soma.test": ("join",)}, False),
    ],
)
def test_a_message_may_count_on_who_is_there(
    app: App, expected: dict[str, tuple[str, ...]], is_fine: bool
) -> None:
    room_id = a_room_with_bob(app)
    said = Submission(room_id, [builders.message(ALICE, "hi")], expected=expected)
    if is_fine:
        assert len(batching.submit(app, said)) == 1
        return
    with pytest.raises(errors.Forbidden):
        batching.submit(app, said)
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM timeline")
        assert txn.fetchone()[0] == 5
