"""What has expired is deleted for good, with all that hangs on it, and the room goes on."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import expired_messages, history, messages, receipts, relations
from impl.services import unread as unread_counts
from impl.services.relations import Asked
from impl.services.search import index, search
from impl.services.search.search import Criteria
from impl.storage import retention as stored_retention
from tests.builders import ALICE, BOB, CHARLIE, a_requester, a_room, append, member, message
from tests.retained import (
    DAY_MS,
    HOUR_MS,
    a_clock,
    bodies,
    dated,
    enabled,
    kept,
    policy,
    purge,
    read_back,
    related,
)
from tests.services import sync_client
from tests.services.room_events.elsewhere import DAVE, EVELYN, a_room_elsewhere, send
from tests.services.room_events.inspection import extremity_ids, head_of, state_of, stored
from tests.services.sync_client import ask, joined

NewApp = Callable[..., App]

TABLES = (
    *("timeline", "events", "event_edges", "relations", "pending_redactions", "search_texts"),
    *("unread_singled", "unread_threads", "backward_extremities", "purged_totals"),
)
SECRET = "not for ever"


def rows(app: App, room_id: str) -> dict[str, int]:
    """table -> rows of the room."""
    found: dict[str, int] = {}
    with app.database.read() as txn:
        nid = head_of(app, room_id).room.room_nid
        for table in TABLES:
            txn.execute(f"SELECT count(*) FROM {table} WHERE room_nid = %s", (nid,))
            found[table] = txn.fetchone()[0]
    return found


def unread_of(app: App, room_id: str, user_id: str) -> dict[str, int]:
    """thread -> what a user has not read of it."""
    app.news.catch_up()
    with app.database.read() as txn:
        room = head_of(app, room_id).room
        counts = unread_counts.count(app, txn, user_id, [room], app.news.position)
    return {thread: pair[0] for thread, pair in counts[room.room_nid].threads.items()}


def test_it_goes_with_all_that_hangs_on_it_and_state_stays(new_app: NewApp) -> None:
    app = new_app(retention=enabled())
    move = a_clock(app)
    room_id = a_room(app, first=[policy(HOUR_MS), member(BOB, "join")])
    before = rows(app, room_id)
    (root,) = append(app, room_id, message(ALICE, SECRET))
    mentions = {"m.mentions": {"user_ids": [BOB]}}
    append(app, room_id, related(ALICE, root, "m.thread", f"{SECRET} in a thread", **mentions))
    append(app, room_id, related(ALICE, root, "m.replace", f"{SECRET} edited", **mentions))
    (gone,) = append(app, room_id, message(ALICE, f"{SECRET} and redacted"))
    append(app, room_id, Draft("m.room.redaction", ALICE, {"reason": SECRET}, redacts=gone))
    append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "stays"}, ""))
    while index.index_some(app):
        pass
    full = rows(app, room_id)
    assert full["search_texts"] and full["relations"] == 2 and full["unread_singled"] == 2
    assert full["unread_threads"] == 1 and full["timeline"] == before["timeline"] + 6
    state = state_of(app, room_id, head_of(app, room_id).current_state_root)

    move(HOUR_MS + 1)
    purge(app)
    assert SECRET not in str(kept(app, room_id))
    left = rows(app, room_id)
    # The topic is the one thing more, and what says up to where something was deleted.
    assert left.pop("purged_totals") == 1 and before.pop("purged_totals") == 0
    texts = left.pop("search_texts")
    assert texts == 1 and before.pop("search_texts") == 0
    assert left == {
        **before,
        "timeline": before["timeline"] + 1,
        "events": before["events"] + 1,
        "event_edges": before["event_edges"] + 1,
    }
    assert state_of(app, room_id, head_of(app, room_id).current_state_root) == state
    alice = a_requester(ALICE)
    for get in (history.event, lambda *a: history.context(*a, 10, None)):
        with pytest.raises(errors.NotFound):
            get(app, alice, room_id, root)
    with pytest.raises(errors.NotFound):
        relations.relating_events(app, alice, room_id, root, Asked())
    with pytest.raises(errors.NotFound):
        messages.redact(app, alice, room_id, root, "1", None)
    with pytest.raises(errors.NotFound):
        receipts.send(app, alice, room_id, "m.read", root, None)
    assert search.room_events(app, alice, Criteria("ever")).get("count", 0) == 0


def test_what_was_dated_ahead_goes_with_what_came_with_it(
    new_app: NewApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_messages, "BATCH_EVENTS", 3)
    app = new_app(retention=enabled(HOUR_MS))
    move = a_clock(app)
    room_id = a_room(app, first=[member(BOB, "join")])
    far = app.now_ms() + 3650 * DAY_MS
    for n in range(4):
        ahead = (far - n, app.now_ms() + HOUR_MS // 2)
        drafts = (dated(message(BOB, f"ahead {n}"), sent_ts) for sent_ts in ahead)
        append(app, room_id, *drafts, message(ALICE, f"honest {n}"))
        move(1)
    assert len(bodies(app, room_id)) == 12
    move(HOUR_MS - 3)
    append(app, room_id, message(ALICE, "later"))
    purge(app)
    left = [body for n in (1, 2, 3) for body in (f"ahead {n}", f"ahead {n}", f"honest {n}")]
    assert sorted(kept(app, room_id)) == sorted([*left, "later"])
    move(HOUR_MS + 1)
    append(app, room_id, message(ALICE, "last"))
    purge(app)
    assert kept(app, room_id) == ["last"]


def test_the_last_message_is_kept_and_hidden_until_another_comes(new_app: NewApp) -> None:
    app = new_app(retention=enabled(HOUR_MS))
    move = a_clock(app)
    room_id = a_room(app)
    *_, last = append(app, room_id, *(message(ALICE, str(n)) for n in range(5)))
    move(HOUR_MS + 1)
    purge(app)
    purge(app)
    assert kept(app, room_id) == ["4"] and bodies(app, room_id) == []
    assert extremity_ids(app, room_id) == {last}
    append(app, room_id, message(ALICE, "another"))
    purge(app)
    assert kept(app, room_id) == bodies(app, room_id) == ["another"]


def test_the_room_goes_on_and_old_tokens_are_good(new_app: NewApp) -> None:
    app = new_app(retention=enabled(HOUR_MS))
    move = a_clock(app)
    room_id = a_room(app, first=[member(BOB, "join")])
    append(app, room_id, *(message(ALICE, f"old {n}") for n in range(10)))
    since = ask(app, BOB)["next_batch"]
    place = read_back(app, room_id, from_token=since)["chunk"][2]["event_id"]
    around = sync_client.plain(history.context(app, a_requester(ALICE), room_id, place, 2, None))
    append(app, room_id, *(message(ALICE, f"older {n}") for n in range(10)))
    move(HOUR_MS)
    append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "t"}, ""), message(BOB, "new"))
    move(1)
    purge(app)
    told = joined(ask(app, BOB, since), room_id)
    assert [one["type"] for one in told["timeline"]["events"]] == ["m.room.topic", "m.room.message"]
    for token in (since, around["start"], around["end"], told["timeline"]["prev_batch"]):
        back = read_back(app, room_id, from_token=token)
        kinds = [one["type"] for one in back["chunk"]]
        assert kinds[-1] == "m.room.create" and "m.room.message" not in kinds
        forth = history.messages(app, a_requester(ALICE), room_id, history.Range(False, token))
        texts = [one["content"].get("body") for one in sync_client.plain(forth)["chunk"]]
        assert texts[-1] == "new"
    assert bodies(app, room_id) == ["new"]
    append(app, room_id, member(CHARLIE, "join"), message(CHARLIE, "newer"))
    assert sync_client.bodies(joined(ask(app, CHARLIE), room_id)) == ["new", "newer"]
    # What answers a message that is gone is a message all the same.
    append(app, room_id, related(BOB, place, "m.thread", "late"))
    assert bodies(app, room_id)[-1] == "late"
    assert (
        relations.thread_roots(
            app, a_requester(ALICE), room_id, None, None, only_participated=False
        )["chunk"]
        == []
    )


def test_what_went_counts_as_read_and_the_rest_as_before(new_app: NewApp) -> None:
    app = new_app(retention=enabled(HOUR_MS))
    move = a_clock(app)
    room_id = a_room(app, first=[member(BOB, "join"), member(CHARLIE, "join")])
    old = append(app, room_id, *(message(ALICE, f"old {n}") for n in range(4)))
    append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "between"}, ""))
    (root,) = append(app, room_id, message(ALICE, "root"))
    append(app, room_id, *(related(ALICE, root, "m.thread", f"old {n}") for n in range(3)))
    receipts.send(app, a_requester(BOB), room_id, "m.read", old[1], None)
    move(HOUR_MS + 1)
    append(app, room_id, message(ALICE, "new"), related(ALICE, root, "m.thread", "new"))

    def unread(user_id: str) -> dict[str, int]:
        return unread_of(app, room_id, user_id)

    assert unread(BOB) == {"main": 4, root: 4}
    assert unread(CHARLIE) == {"main": 6, root: 4}
    purge(app)
    assert unread(BOB) == unread(CHARLIE) == {"main": 1, root: 1}
    append(app, room_id, related(ALICE, root, "m.thread", "newer"), message(ALICE, "newer"))
    assert unread(BOB) == {"main": 2, root: 2}
    move(HOUR_MS + 1)
    append(app, room_id, message(ALICE, "newest"))
    purge(app)
    assert unread(BOB) == {"main": 1}
    # A thread of which nothing is left begins anew.
    append(app, room_id, related(ALICE, root, "m.thread", "late"))
    assert unread(BOB) == unread(CHARLIE) == {"main": 1, root: 1}


def test_all_workers_count_alike_then(new_app: NewApp) -> None:
    one = new_app(retention=enabled(HOUR_MS))
    other = new_app(one.database.dsn, retention=enabled(HOUR_MS))
    move = a_clock(one, other)
    room_id = a_room(one, first=[member(BOB, "join")])
    append(one, room_id, *(message(ALICE, "old") for _ in range(3)))
    old = [ask(app, BOB)["next_batch"] for app in (one, other)]
    move(HOUR_MS + 1)
    append(one, room_id, message(ALICE, "new"))
    purge(one)
    append(one, room_id, message(ALICE, "newer"))
    for app, since in zip((one, other), old, strict=True):
        room = joined(ask(app, BOB, since), room_id)
        assert room["unread_notifications"]["notification_count"] == 2


def test_what_was_dated_back_and_told_to_nobody_leaves_what_is_above_it_unread(
    new_app: NewApp,
) -> None:
    app = new_app(retention=enabled(DAY_MS))
    move = a_clock(app)
    room_id = a_room(app, first=[member(BOB, "join"), member(CHARLIE, "join")])
    (root,) = append(app, room_id, message(ALICE, "root"))
    append(app, room_id, related(ALICE, root, "m.thread", "in it"), message(ALICE, "above"))
    old_ts = app.now_ms() - DAY_MS - 1
    in_thread = related(CHARLIE, root, "m.thread", "old in it")
    append(app, room_id, dated(message(CHARLIE, "old"), old_ts), dated(in_thread, old_ts))
    append(app, room_id, message(ALICE, "below"))
    counts = {"main": 3, root: 1}
    assert unread_of(app, room_id, BOB) == counts
    move(HOUR_MS)
    purge(app)
    assert kept(app, room_id) == ["root", "in it", "above", "below"]
    assert unread_of(app, room_id, BOB) == counts


def test_what_was_dated_back_and_told_waits_for_what_is_above_it(new_app: NewApp) -> None:
    app = new_app(retention=enabled(DAY_MS))
    move = a_clock(app)
    room_id = a_room(app, first=[member(BOB, "join"), member(CHARLIE, "join")])
    append(app, room_id, message(ALICE, "older"))
    move(HOUR_MS)
    append(app, room_id, message(ALICE, "above"))
    append(app, room_id, dated(message(CHARLIE, "slow"), app.now_ms() - DAY_MS + HOUR_MS))
    move(1)
    append(app, room_id, message(ALICE, "below"))
    assert unread_of(app, room_id, BOB) == {"main": 4}
    move(HOUR_MS)
    purge(app)
    assert "slow" not in bodies(app, room_id) and "slow" in kept(app, room_id)
    assert unread_of(app, room_id, BOB) == {"main": 4}
    # It does not wait for what is below it.
    move(DAY_MS - HOUR_MS)
    purge(app)
    assert kept(app, room_id) == bodies(app, room_id) == ["below"]
    assert unread_of(app, room_id, BOB) == {"main": 1}


def test_another_worker_shows_nothing_of_it_even_if_the_policy_is_longer_then(
    new_app: NewApp,
) -> None:
    one = new_app(retention=enabled())
    other = new_app(one.database.dsn, retention=enabled())
    move = a_clock(one, other)
    room_id = a_room(one, first=[policy(HOUR_MS)])
    (root,) = append(one, room_id, message(ALICE, "hello"))
    append(one, room_id, related(ALICE, root, "m.thread", "in a thread"), member(BOB, "join"))
    assert bodies(other, room_id) == ["hello", "in a thread"]
    token = ask(other, ALICE)["next_batch"]
    move(HOUR_MS + 1)
    purge(one)
    append(one, room_id, policy(DAY_MS), message(ALICE, "later"))
    assert bodies(other, room_id) == ["later"]
    assert sync_client.bodies(joined(ask(other, ALICE), room_id)) == ["later"]
    assert sync_client.bodies(joined(ask(other, ALICE, token), room_id)) == ["later"]
    append(other, room_id, message(BOB, "still here"))
    assert bodies(one, room_id) == ["later", "still here"]


def test_what_was_kept_with_a_parent_of_children_that_are_gone_does_no_harm(
    new_app: NewApp,
) -> None:
    app = new_app(retention=enabled(HOUR_MS))
    other = new_app(app.database.dsn, retention=enabled(HOUR_MS))
    move = a_clock(app, other)
    room_id = a_room(app)
    (root,) = append(app, room_id, message(ALICE, "root"))
    kinds = ("m.thread", "m.replace", "m.reference")
    # The clock of who answered goes behind.
    sent_ts = app.now_ms() - HOUR_MS
    drafts = [dated(related(ALICE, root, kind, kind), sent_ts) for kind in kinds]
    related_ids = append(app, room_id, *drafts)
    append(app, room_id, message(ALICE, "more"))
    assert len(bodies(other, room_id)) == 5
    children = [stored(app, room_id, one).event_nid for one in related_ids]
    move(1)
    purge(app)
    # The other worker has read much else since.
    for event_nid in children:
        other.events.forget(event_nid)
    assert bodies(other, room_id) == ["root", "more"]
    assert "m.relations" not in str(read_back(other, room_id))


def test_messages_that_are_sent_meanwhile_stand_on_what_is_there(
    new_app: NewApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_messages, "BATCH_EVENTS", 5)
    app = new_app(retention=enabled(0))
    other = new_app(app.database.dsn, retention=enabled(0))
    room_id = a_room(app, first=[member(BOB, "join")])
    is_over: list[bool] = []
    said: list[str] = []

    def talk(worker: App, user_id: str) -> None:
        while not is_over:
            said.extend(append(worker, room_id, message(user_id, "and another thing")))

    talkers = [gevent.spawn(talk, one, user) for one in (app, other) for user in (ALICE, BOB)]
    with gevent.Timeout(30):
        while len(said) < 60:
            purge(app)
    is_over.append(True)
    gevent.joinall(talkers, timeout=20, raise_error=True)
    purge(app)
    assert len(kept(app, room_id)) <= 2 and len(extremity_ids(app, room_id)) == 1
    append(other, room_id, message(ALICE, "the end"))


def test_other_servers_events_go_as_well_and_leave_no_gap(new_app: NewApp) -> None:
    """Rejected ones, those that wait for what they redact, the known ends of history."""
    app = new_app(retention=enabled(HOUR_MS))
    room = a_room_elsewhere()
    base = room.last
    lost = room.add(message(DAVE, "lost"), [base])
    send(app, room, *(one for one in room.events.values() if one is not lost))
    on_lost = room.add(message(DAVE, "on what is lost"), [lost.event_id])
    send(app, room, on_lost, state_before=list(room.states[lost.event_id].values()))
    unknown = "$" + 43 * "x"
    redaction = Draft("m.room.redaction", DAVE, {"reason": SECRET}, redacts=unknown)
    send(app, room, room.add(redaction, [base]))
    send(app, room, room.add(message("@nobody:elsewhere.test", "rejected"), [base]))
    last = room.add(message(EVELYN, "last"), [on_lost.event_id])
    send(app, room, last)
    room_id = room.create.room_id
    full = rows(app, room_id)
    assert full["backward_extremities"] == 1 and full["pending_redactions"] == 1
    # One that joins them all.
    append(app, room_id, member(ALICE, "join", displayname="A"))
    assert "rejected" in kept(app, room_id)
    now_ms = app.now_ms() + HOUR_MS + 1
    app.now_ms = lambda: now_ms
    purge(app)
    left = rows(app, room_id)
    assert kept(app, room_id) == []
    assert left["backward_extremities"] == left["pending_redactions"] == 0
    assert left["events"] == left["timeline"]


def test_it_is_found_by_an_index(app: App) -> None:
    with app.database.transaction() as txn:
        txn.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plans: list[str] = []
        execute = txn.execute

        class Explained:
            def execute(self, sql: str, parameters: Any = ()) -> None:
                execute("EXPLAIN " + sql, parameters)
                plans.append("\n".join(row[0] for row in txn.fetchall()))

            def fetchall(self) -> list[Any]:
                return []

        explained = Explained()
        stored_retention.list_old(explained, 1, 5, stored_retention.FIRST, 10)
        stored_retention.list_rooms(explained, 0, 10, only_with_policy=True)
    assert "Scan using events_time" in plans[0] and "using events_came" in plans[0]
    assert "Sort  (" not in plans[0]
    assert "current_state_retention" in plans[1]
