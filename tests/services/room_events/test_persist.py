"""The way into a room's graph, on a real database: what is written, what is refused, what is
answered twice.
"""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core import state_trie
from impl.core.event_builder import Draft
from impl.services.room_events import batching
from impl.services.room_events.submission import Submission
from impl.storage import event_graph, events, memberships, room_state, streams, timeline
from impl.storage.database import DatabaseUnavailable, StatementError, Transaction
from impl.storage.idempotency import ClientTransaction
from impl.storage.state_nodes import RoomNodes
from tests.builders import ALICE, BOB, CHARLIE, a_room, append, member, message

VERSIONS = ("10", "11", "12")


def room_nid_of(app: App, room_id: str) -> int:
    with app.database.read() as txn:
        room = app.rooms.get(txn, room_id)
    assert room is not None
    return room.room_nid


def stored(app: App, room_id: str, event_id: str) -> events.StoredEvent:
    with app.database.read() as txn:
        found = events.get_by_id(txn, room_nid_of(app, room_id), event_id)
    assert found is not None
    return found


@pytest.mark.parametrize("room_version", VERSIONS)
def test_a_room_begins_with_its_create_event(app: App, room_version: str) -> None:
    room_id = a_room(app, room_version=room_version)

    with app.database.read() as txn:
        nid = room_state.get(txn, room_nid_of(app, room_id), "m.room.create", "")
        create = app.events.get(txn, room_nid_of(app, room_id), nid or 0)

    assert create is not None
    assert create.event.room_id == room_id
    assert create.event.content["room_version"] == room_version
    assert (room_id == "!" + create.event_id[1:]) is (room_version == "12")


def test_each_event_stands_on_the_last(app: App) -> None:
    room_id = a_room(app)
    first, second = append(app, room_id, message(ALICE, "one"), message(ALICE, "two"))
    (third,) = append(app, room_id, message(ALICE, "three"))

    assert stored(app, room_id, second).event.prev_event_ids == [first]
    assert stored(app, room_id, third).event.prev_event_ids == [second]
    depths = [stored(app, room_id, one).event.depth for one in (first, second, third)]
    assert depths == [depths[0], depths[0] + 1, depths[0] + 2]


def test_messages_sent_at_once_by_many_form_one_line(app: App) -> None:
    room_id = a_room(app)
    jobs = [gevent.spawn(append, app, room_id, message(ALICE, str(n))) for n in range(40)]
    gevent.joinall(jobs, raise_error=True)

    event_ids = {job.value[0] for job in jobs}
    prevs = {stored(app, room_id, one).event.prev_event_ids[0] for one in event_ids}
    assert len(event_ids) == 40
    # All but the first stand on another of the forty, and no two on the same.
    assert len(prevs) == 40
    assert len(prevs & event_ids) == 39


def test_two_workers_append_to_one_room_without_a_fork(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room_id = a_room(one)
    jobs = [
        gevent.spawn(append, worker, room_id, message(ALICE, str(n)))
        for n in range(20)
        for worker in (one, other)
    ]
    gevent.joinall(jobs, raise_error=True)

    event_ids = {job.value[0] for job in jobs}
    prevs = [stored(one, room_id, event_id).event.prev_event_ids for event_id in event_ids]
    assert len({prev[0] for prev in prevs}) == 40
    assert all(len(prev) == 1 for prev in prevs)


def test_a_draft_that_breaks_a_rule_is_forbidden_and_leaves_nothing(app: App) -> None:
    room_id = a_room(app)
    app.news.catch_up()
    before = app.news.position

    with pytest.raises(errors.Forbidden, match="not in the room"):
        append(app, room_id, message(ALICE, "fine by itself"), message(BOB, "not a member"))

    app.news.catch_up()
    assert app.news.position == before
    (event_id,) = append(app, room_id, message(ALICE, "next"))
    depth = stored(app, room_id, event_id).event.depth
    assert depth == 5  # create, join, power levels, join rules, and this.


def test_a_refused_draft_does_not_fail_its_neighbours(app: App) -> None:
    room_id = a_room(app)
    good = gevent.spawn(append, app, room_id, message(ALICE, "a member"))
    bad = gevent.spawn(append, app, room_id, message(BOB, "not a member"))
    also_good = gevent.spawn(append, app, room_id, message(ALICE, "a member again"))
    gevent.joinall([good, bad, also_good])

    assert good.value and also_good.value
    assert isinstance(bad.exception, errors.Forbidden)


def test_a_bug_that_one_submission_meets_does_not_fail_its_neighbours(app: App) -> None:
    room_id = a_room(app)
    no_draft: Any = None
    jobs = [
        gevent.spawn(append, app, room_id, message(ALICE, "before")),
        gevent.spawn(append, app, room_id, no_draft),
        gevent.spawn(append, app, room_id, message(ALICE, "after")),
    ]
    gevent.joinall(jobs, timeout=10)
    assert jobs[0].value and jobs[2].value
    assert isinstance(jobs[1].exception, AttributeError)
    assert append(app, room_id, message(ALICE, "and it goes on"))


def test_what_is_committed_is_not_tried_again_whatever_its_worker_fails_at_then(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(app)

    def failing(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(batching.persist, "after_commit", failing)
        jobs = [gevent.spawn(append, app, room_id, message(ALICE, str(n))) for n in range(3)]
        gevent.joinall(jobs, raise_error=True)
    with app.database.read() as txn:
        assert timeline_size(txn) == 4 + 3


def test_what_is_committed_and_cannot_be_announced_is_not_tried_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(app)
    with app.database.read() as txn:
        before = timeline_size(txn)

    def failing(*_: object) -> int:
        raise DatabaseUnavailable("full")

    def unannounced(*_: object) -> int:
        raise StatementError("no room for notifications")

    with monkeypatch.context() as patch:
        patch.setattr(streams, "publish", unannounced)
        patch.setattr(type(app.database), "_newest", failing)
        jobs = [gevent.spawn(append, app, room_id, message(ALICE, str(n))) for n in range(3)]
        gevent.joinall(jobs)
    assert all(isinstance(job.exception, errors.Unavailable) for job in jobs)
    with app.database.read() as txn:
        assert timeline_size(txn) == before + 3


def timeline_size(txn: Any) -> int:
    txn.execute("SELECT count(*) FROM timeline")
    return txn.fetchone()[0]


def test_a_state_key_of_a_batch_that_is_tried_again_is_one_that_all_workers_know(
    new_app: Callable[..., App],
) -> None:
    app = new_app()
    room_id = a_room(app)
    transaction = ClientTransaction(ALICE, "DEVICE", "send/" + room_id, "1")
    again = Submission(room_id, [message(ALICE, "once")], transaction)
    batching.submit(app, again)
    # A new member who speaks at once, and beside them what makes the batch fail.
    jobs = [
        gevent.spawn(append, app, room_id, member(BOB, "join"), message(BOB, "hello")),
        gevent.spawn(batching.submit, app, again),
    ]
    gevent.joinall(jobs, raise_error=True)

    other = new_app(app.database.dsn)
    append(other, room_id, message(BOB, "to another worker"))
    with other.database.read() as txn:
        root = timeline.get_state_root_at(txn, room_nid_of(app, room_id), 2**62)
        nodes = RoomNodes(txn, other.state_nodes, room_nid_of(app, room_id))
        entries = dict(state_trie.items(nodes, root or 0))
        assert ("m.room.member", BOB) in other.state_keys.get_keys(txn, entries).values()


def test_an_event_over_the_limit_is_too_large(app: App) -> None:
    room_id = a_room(app)
    with pytest.raises(errors.TooLarge):
        append(app, room_id, message(ALICE, "x" * 65_536))


@pytest.mark.parametrize("value", [1.5, 2**53, "\ud800"])
def test_content_without_canonical_form_is_refused(app: App, value: object) -> None:
    room_id = a_room(app)
    with pytest.raises(errors.BadJson):
        append(app, room_id, Draft("m.room.message", ALICE, {"body": value}))


def test_an_unknown_room_is_not_found(app: App) -> None:
    with pytest.raises(errors.NotFound):
        append(app, "!nowhere:soma.test", message(ALICE, "hello?"))


def test_the_same_transaction_is_answered_with_the_same_event(app: App) -> None:
    room_id = a_room(app)
    transaction = ClientTransaction(ALICE, "DEVICE", "send/" + room_id, "1")

    def send() -> list[str]:
        return batching.submit(app, Submission(room_id, [message(ALICE, "once")], transaction))

    first = send()
    assert send() == first
    # And when both are in one batch.
    other = ClientTransaction(ALICE, "DEVICE", "send/" + room_id, "2")
    jobs = [
        gevent.spawn(batching.submit, app, Submission(room_id, [message(ALICE, "x")], other))
        for _ in range(5)
    ]
    gevent.joinall(jobs, raise_error=True)
    assert len({job.value[0] for job in jobs}) == 1


def test_a_repeated_transaction_does_not_fail_its_neighbours(app: App) -> None:
    room_id = a_room(app)
    transaction = ClientTransaction(ALICE, "DEVICE", "send/" + room_id, "1")
    first = batching.submit(app, Submission(room_id, [message(ALICE, "once")], transaction))
    jobs = [
        gevent.spawn(append, app, room_id, message(ALICE, "beside it")),
        gevent.spawn(
            batching.submit, app, Submission(room_id, [message(ALICE, "once")], transaction)
        ),
        gevent.spawn(append, app, room_id, message(ALICE, "after it")),
    ]
    gevent.joinall(jobs, raise_error=True)
    assert jobs[1].value == first
    assert jobs[0].value != jobs[2].value


def test_state_set_to_what_it_is_makes_no_event(app: App) -> None:
    room_id = a_room(app)
    topic = Draft("m.room.topic", ALICE, {"topic": "tea"}, "")
    first = append(app, room_id, topic)
    assert append(app, room_id, topic) == first
    changed = Draft("m.room.topic", ALICE, {"topic": "coffee"}, "")
    assert append(app, room_id, changed) != first


def test_the_state_of_an_event_is_found_from_its_roots(app: App) -> None:
    room_id = a_room(app)
    before, topic_id, after = append(
        app,
        room_id,
        message(ALICE, "before"),
        Draft("m.room.topic", ALICE, {"topic": "tea"}, ""),
        message(ALICE, "after"),
    )
    room_nid = room_nid_of(app, room_id)
    topic = stored(app, room_id, topic_id)
    with app.database.read() as txn:
        key = app.state_keys.get_nids(txn, [("m.room.topic", "")])["m.room.topic", ""]
        nodes = RoomNodes(txn, app.state_nodes, room_nid)

        def at(root: int | None) -> int | None:
            return state_trie.get(nodes, root or 0, key)

        assert at(stored(app, room_id, before).state_after) is None
        assert at(topic.state_before) is None
        assert at(topic.state_after) == topic.event_nid
        assert at(stored(app, room_id, after).state_before) == topic.event_nid


def test_the_tables_of_current_state_say_what_the_trie_says(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join", displayname="Bob"), member(CHARLIE, "join"))
    append(app, room_id, member(CHARLIE, "leave"))
    room_nid = room_nid_of(app, room_id)
    with app.database.snapshot() as txn:
        table = room_state.list_all(txn, room_nid)
        root = timeline.get_state_root_at(txn, room_nid, 2**62)
        entries = dict(state_trie.items(RoomNodes(txn, app.state_nodes, room_nid), root or 0))
        names = app.state_keys.get_keys(txn, entries)
        joined = [one.user_id for one in memberships.list_of_room(txn, room_nid, "join")]
        bob = memberships.get(txn, room_nid, BOB)
    assert {names[key]: nid for key, nid in entries.items()} == table
    assert joined == [ALICE, BOB]
    assert bob is not None and bob.display_name == "Bob"


def test_a_redaction_marks_its_event_in_every_worker(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room_id = a_room(one)
    (event_id,) = append(one, room_id, message(ALICE, "regretted"))
    nid = stored(one, room_id, event_id).event_nid
    key = (room_nid_of(one, room_id), nid)
    for worker in (one, other):
        with worker.database.read() as txn:
            assert worker.events.get_many(txn, [key])[nid].redacted_by_nid is None

    (redaction_id,) = append(one, room_id, Draft("m.room.redaction", ALICE, {}, redacts=event_id))

    for worker in (one, other):
        worker.news.catch_up_if_behind()
        with worker.database.read() as txn:
            redacted_by = worker.events.get_many(txn, [key])[nid].redacted_by_nid
        assert redacted_by == stored(one, room_id, redaction_id).event_nid


def test_others_events_are_redacted_by_power_only(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    (of_alice,) = append(app, room_id, message(ALICE, "hers"))
    (of_bob,) = append(app, room_id, message(BOB, "his"))
    with pytest.raises(errors.Forbidden, match="redact"):
        append(app, room_id, Draft("m.room.redaction", BOB, {}, redacts=of_alice))
    assert append(app, room_id, Draft("m.room.redaction", BOB, {}, redacts=of_bob))
    with pytest.raises(errors.NotFound):
        append(app, room_id, Draft("m.room.redaction", ALICE, {}, redacts="$not-there"))


@pytest.mark.parametrize("room_version", VERSIONS)
def test_auth_chains_hold_all_that_an_event_rests_on(app: App, room_version: str) -> None:
    room_id = a_room(app, room_version=room_version)
    (joined,) = append(app, room_id, member(BOB, "join"))
    room_nid = room_nid_of(app, room_id)
    with app.database.read() as txn:
        state = room_state.list_all(txn, room_nid)
        nid = events.get_nid(txn, room_nid, joined) or 0
        chain = set(event_graph.get_auth_chains(txn, room_nid, [nid])[nid])
    expected = {
        state["m.room.member", ALICE],
        state["m.room.power_levels", ""],
        state["m.room.join_rules", ""],
    }
    if room_version != "12":
        expected.add(state["m.room.create", ""])
    assert chain == expected


def test_the_chain_of_who_changes_their_name_every_day_is_read_in_a_few_steps(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(app, room_version="11")
    renames = [member(BOB, "join", displayname=str(number)) for number in range(80)]
    for place in range(0, 80, 10):
        made = append(app, room_id, *renames[place : place + 10])
    room_nid = room_nid_of(app, room_id)
    statements: list[str] = []
    execute = Transaction.execute

    def counting(self: Transaction, sql: str, *rest: Any) -> None:
        statements.append(sql)
        execute(self, sql, *rest)

    monkeypatch.setattr(Transaction, "execute", counting)
    nid = stored(app, room_id, made[-1]).event_nid
    with app.database.read() as txn:
        statements.clear()
        chain = event_graph.get_auth_chains(txn, room_nid, [nid])[nid]
    assert len(statements) < 25
    # The create event, Alice's join, the power levels, the join rules, and 79 renames.
    assert len(chain) == 4 + 79


def test_a_busy_room_holds_up_nobody_else(app: App) -> None:
    busy, free = a_room(app), a_room(app)
    with app.database.transaction() as txn:
        txn.execute("SELECT 1 FROM rooms WHERE room_nid = %s FOR UPDATE", (room_nid_of(app, busy),))
        waiting = gevent.spawn(append, app, busy, message(ALICE, "waits"))
        gevent.sleep(0)
        assert append(app, free, message(ALICE, "goes through"))
        assert not waiting.ready()
    assert waiting.get(timeout=10)


def test_a_room_whose_first_events_are_refused_does_not_exist(app: App) -> None:
    with pytest.raises(errors.Forbidden):
        a_room(app, creator=ALICE, join_rule="public", first=[message(BOB, "not in")])
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM rooms")
        assert txn.fetchone() == (0,)
