"""A room that is purged is gone: from every table, from every worker, for everybody."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core import state_trie
from impl.core.event_builder import Draft
from impl.jobs import purged_rooms
from impl.services import (
    account_data,
    aliases,
    history,
    membership,
    receipts,
    room_directory,
    room_purge,
)
from impl.services import typing as typing_service
from impl.services.history import Range
from impl.services.room_directory import Query
from impl.storage import room_purge as stored_purge
from impl.storage import rooms
from tests.builders import ALICE, BOB, CHARLIE, a_requester, a_room, append, member, message
from tests.services import sync_client
from tests.services.room_events.elsewhere import DAVE, EVELYN, a_room_elsewhere, send

# What a room that has had everything has rows in.
KNOWN = {
    "auth_chains",
    "backward_extremities",
    "branching_rooms",
    "current_state",
    "event_edges",
    "events",
    "membership_changes",
    "pending_redactions",
    "published_rooms",
    "receipts",
    "room_aliases",
    "room_members",
    "state_nodes",
    "timeline",
    "typing",
}


def counts(app: App, room_nid: int) -> dict[str, int]:
    """table -> rows of the room, of every table that has a room_nid."""
    found: dict[str, int] = {}
    with app.database.read() as txn:
        txn.execute(
            """
            SELECT table_name
              FROM information_schema.columns
             WHERE table_schema = 'public'
               AND column_name = 'room_nid'
            """
        )
        for (table,) in txn.fetchall():
            txn.execute(f"SELECT count(*) FROM {table} WHERE room_nid = %s", (room_nid,))
            found[table] = txn.fetchone()[0]
    return found


def left_of(app: App, room_nid: int) -> dict[str, int]:
    found = {table: rows for table, rows in counts(app, room_nid).items() if rows}
    assert found.pop("purged_rooms") == 1  # What says that it is gone.
    return found


def room_nid_of(app: App, room_id: str) -> int:
    with app.database.read() as txn:
        room = app.rooms.get(txn, room_id)
    assert room is not None
    return room.room_nid


def a_full_room(app: App) -> str:
    """A room that has had everything, with Alice in it."""
    room = a_room_elsewhere()
    base = room.last
    lost = room.add(message(DAVE, "lost"), [base])
    made = [one for one in room.events.values() if one is not lost]
    send(app, room, *made)
    on_lost = room.add(message(DAVE, "on what is lost"), [lost.event_id])
    send(app, room, on_lost, state_before=list(room.states[lost.event_id].values()))
    unknown = "$" + 43 * "x"
    send(app, room, room.add(Draft("m.room.redaction", DAVE, {}, redacts=unknown), [base]))
    send(app, room, *(room.add(message(EVELYN, str(n)), [base]) for n in range(12)))
    room_id = room.create.room_id
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO room_aliases VALUES (%s, '#full:soma.test', %s, 1)",
            (room_nid_of(app, room_id), ALICE),
        )
        txn.execute("INSERT INTO published_rooms VALUES (%s, 1)", (room_nid_of(app, room_id),))
    receipts.send(app, a_requester(ALICE), room_id, "m.read", on_lost.event_id, None)
    typing_service.start(app, a_requester(ALICE), room_id, ALICE, 30_000)
    account_data.put_tag(app, a_requester(ALICE), ALICE, room_id, "u.work", {})
    return room_id


def test_nothing_of_it_is_left_and_others_keep_all_they_have(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_purge, "BATCH_ROWS", 3)
    other_id = a_room(app, first=[member(BOB, "join"), message(ALICE, "stays")])
    account_data.put_tag(app, a_requester(ALICE), ALICE, other_id, "u.work", {})
    other_nid = room_nid_of(app, other_id)
    before = counts(app, other_nid)
    room_id = a_full_room(app)
    room_nid = room_nid_of(app, room_id)
    had = {table: rows for table, rows in counts(app, room_nid).items() if rows}
    assert had.keys() >= KNOWN

    deleted = room_purge.purge(app, room_id, is_forced=True)
    assert left_of(app, room_nid) == {}
    assert counts(app, other_nid) == before
    assert deleted["rooms"] == 1 and deleted["account_data"] == 1
    # Alice's leaving came to it.
    assert deleted["events"] == had["events"] + 1
    assert deleted.keys() >= KNOWN and all(deleted[table] for table in KNOWN - {"branching_rooms"})
    assert account_data.get_tags(app, a_requester(ALICE), ALICE, room_id) == {}
    assert "u.work" in account_data.get_tags(app, a_requester(ALICE), ALICE, other_id)


def test_each_table_of_rooms_finds_a_rooms_rows_by_an_index(app: App) -> None:
    with app.database.read() as txn:
        tables = stored_purge.list_tables(txn)
        txn.execute(
            """
            SELECT DISTINCT i.indrelid::regclass::text
              FROM pg_index i
              JOIN pg_attribute a ON a.attrelid = i.indrelid
               AND a.attnum = i.indkey[0]
             WHERE a.attname = 'room_nid'
               AND i.indpred IS NULL
            """
        )
        indexed = {row[0] for row in txn.fetchall()}
    assert set(tables) >= KNOWN
    assert set(tables) - indexed == set()


def test_it_is_refused_while_users_of_ours_are_in_it_and_nothing_has_happened(app: App) -> None:
    room_id = a_room(app, first=[member(BOB, "invite", ALICE)])
    with pytest.raises(errors.BadState, match="1 users of this server are in it"):
        room_purge.purge(app, room_id)
    since = sync_client.ask(app, BOB)
    assert room_id in since["rooms"]["invite"]
    append(app, room_id, message(ALICE, "still here"))


def test_a_room_that_is_not_here_is_not_found(app: App) -> None:
    with pytest.raises(errors.NotFound):
        room_purge.purge(app, "!nowhere:soma.test")
    room_id = a_room(app)
    membership.leave(app, a_requester(ALICE), room_id)
    room_purge.purge(app, room_id)
    with pytest.raises(errors.NotFound):
        room_purge.purge(app, room_id)


def follow_until_left(app: App, user_id: str, since: str, room_id: str) -> None:
    """A client that polls until it hears that it has left."""
    told = sync_client.ask(app, user_id, since, timeout_ms=20_000)
    while room_id not in told["rooms"]["leave"]:
        told = sync_client.ask(app, user_id, told["next_batch"], timeout_ms=20_000)


def test_who_was_in_it_or_invited_has_left_and_nobody_finds_it(app: App) -> None:
    room_id = a_room(app, first=[member(BOB, "join"), member(CHARLIE, "invite", ALICE)])
    append(app, room_id, message(ALICE, "before"))
    since = {one: sync_client.ask(app, one)["next_batch"] for one in (ALICE, BOB, CHARLIE)}
    polls = [gevent.spawn(follow_until_left, app, one, since[one], room_id) for one in since]
    sync_client.until_waiting(app, 3)
    room_purge.purge(app, room_id, is_forced=True)
    gevent.joinall(polls, timeout=30, raise_error=True)
    assert all(one.ready() for one in polls)
    for one, token in since.items():
        # Whenever they come.
        told = sync_client.ask(app, one, token, timeout_ms=0)
        assert told["rooms"]["join"] == {} and list(told["rooms"]["leave"]) == [room_id]
        again = sync_client.ask(app, one, told["next_batch"], timeout_ms=0)
        assert again["rooms"]["leave"] == {}
        assert sync_client.ask(app, one)["rooms"] == {
            "join": {},
            "invite": {},
            "knock": {},
            "leave": {},
        }
        assert membership.joined_rooms(app, a_requester(one)) == []
    with pytest.raises(errors.NotFound):
        append(app, room_id, message(ALICE, "after"))


def test_another_worker_hears_of_it(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room_id = a_room(one)
    room_nid = room_nid_of(other, room_id)
    assert other.rooms.peek(room_id) is not None
    other.news.catch_up()
    room_purge.purge(one, room_id, is_forced=True)
    assert one.rooms.peek(room_id) is None
    other.news.catch_up_if_behind()  # As each request does.
    assert other.rooms.peek(room_id) is None
    with other.database.read() as txn:
        assert other.rooms.get_by_nids(txn, [room_nid]) == {}


def test_a_worker_that_has_not_heard_of_it_is_told_by_the_lock(
    new_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    gevent.killall(other.news._greenlets)
    room_id = a_room(one)
    append(other, room_id, message(ALICE, "hello"))
    room_purge.purge(one, room_id, is_forced=True)
    assert other.rooms.peek(room_id) is not None
    with gevent.Timeout(20), pytest.raises(errors.NotFound):
        append(other, room_id, message(ALICE, "is anybody there?"))
    assert other.rooms.peek(room_id) is None


def test_a_worker_that_has_not_heard_of_it_shows_nobody_anything(
    new_app: Callable[..., App],
) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    gevent.killall(other.news._greenlets)
    content = {"history_visibility": "world_readable"}
    everybody = Draft("m.room.history_visibility", ALICE, content, "")
    room_id = a_room(one, first=[everybody])
    room_nid_of(other, room_id)
    room_purge.purge(one, room_id, is_forced=True)
    with pytest.raises(errors.Forbidden):
        history.messages(other, a_requester(BOB), room_id, Range(is_back=True))
    known = other.rooms.peek(room_id)
    assert known is not None
    with other.database.read() as txn:
        assert rooms.get_state_root(txn, known.room_nid) == state_trie.EMPTY
        assert rooms.list_forward_extremities(txn, known.room_nid) == []
    with pytest.raises(errors.Forbidden):
        receipts.send(other, a_requester(ALICE), room_id, "m.read", "$event", None)


def test_a_room_of_the_same_id_may_come_again(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room = a_room_elsewhere()
    made = list(room.events.values())
    room_id = room.create.room_id
    send(one, room, *made)
    old_nid = room_nid_of(other, room_id)
    since = sync_client.ask(one, ALICE)["next_batch"]
    room_purge.purge(one, room_id, is_forced=True)
    other.news.catch_up_if_behind()
    send(other, room, *made)
    one.news.catch_up_if_behind()
    assert room_nid_of(one, room_id) == room_nid_of(other, room_id) != old_nid
    append(one, room_id, message(ALICE, "back again"))
    # What is noted of the new one is not swept with the old.
    account_data.put_tag(one, a_requester(ALICE), ALICE, room_id, "u.new", {})
    sweep_later(one)
    assert "u.new" in account_data.get_tags(one, a_requester(ALICE), ALICE, room_id)
    append(other, room_id, message(ALICE, "still there"))
    told = sync_client.ask(other, ALICE, since, timeout_ms=0)["rooms"]
    assert list(told["join"]) == [room_id] and told["leave"] == {}


def sweep_later(app: App) -> None:
    now_ms = app.now_ms() + room_purge.SWEEP_AFTER_MS + 1
    clock, app.now_ms = app.now_ms, lambda: now_ms
    while purged_rooms.sweep(app):
        pass
    app.now_ms = clock


def test_what_is_written_while_it_goes_is_swept_later(app: App) -> None:
    room_id = a_room(app)
    room_nid = room_nid_of(app, room_id)
    room_purge.purge(app, room_id, is_forced=True)
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO receipts VALUES (%s, '@a:b', 'm.read', '', '$e', 1, -1)", (room_nid,)
        )
    purged_rooms.sweep(app)
    assert left_of(app, room_nid) == {"receipts": 1}  # Somebody may still be at it.
    sweep_later(app)
    assert left_of(app, room_nid) == {}
    with app.database.read() as txn:
        txn.execute("SELECT is_swept FROM purged_rooms")
        assert txn.fetchall() == [(True,)]


def test_what_a_killed_process_had_begun_is_finished(app: App) -> None:
    room_id = a_full_room(app)
    room_nid = room_nid_of(app, room_id)
    membership.leave(app, a_requester(ALICE), room_id)
    room_purge._close(app, room_id, False)
    assert {"events", "state_nodes", "timeline"} <= left_of(app, room_nid).keys()
    with pytest.raises(errors.NotFound):
        append(app, room_id, message(ALICE, "hello"))
    sweep_later(app)
    assert left_of(app, room_nid) == {}
    assert account_data.get_tags(app, a_requester(ALICE), ALICE, room_id) == {}


def test_who_comes_in_while_the_others_leave_is_sent_away_too(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(app, first=[member(BOB, "join")])
    leave, came = membership.leave, []

    def leave_and_meet(app: App, requester: Any, *more: Any) -> None:
        leave(app, requester, *more)
        if not came:
            came.append(append(app, room_id, member(CHARLIE, "join")))

    monkeypatch.setattr(membership, "leave", leave_and_meet)
    since = sync_client.ask(app, CHARLIE)["next_batch"]
    room_purge.purge(app, room_id, is_forced=True)
    assert came
    told = sync_client.ask(app, CHARLIE, since, timeout_ms=0)["rooms"]
    assert told["join"] == {} and list(told["leave"]) == [room_id]


def test_messages_that_are_sent_meanwhile_are_refused_and_leave_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_purge, "BATCH_ROWS", 5)
    room_id = a_room(app, first=[member(BOB, "join")])
    room_nid = room_nid_of(app, room_id)
    refused: list[type] = []

    def talk() -> None:
        while not refused:
            try:
                append(app, room_id, message(BOB, "and another thing"))
            except errors.MatrixError as error:
                refused.append(type(error))

    talkers = [gevent.spawn(talk) for _ in range(4)]
    gevent.sleep(0.05)
    room_purge.purge(app, room_id, is_forced=True)
    gevent.joinall(talkers, timeout=20, raise_error=True)
    assert all(one.ready() for one in talkers)
    assert set(refused) <= {errors.Forbidden, errors.NotFound}
    assert left_of(app, room_nid) == {}


def test_the_newest_position_of_the_stream_does_not_go_back(new_app: Callable[..., App]) -> None:
    one = new_app()
    room_id = a_room(one)
    one.news.catch_up()
    before = one.news.position
    room_purge.purge(one, room_id, is_forced=True)
    later = new_app(one.database.dsn)
    assert later.news.position > before


def test_its_alias_and_its_place_in_the_directory_are_free(app: App) -> None:
    room_id = a_full_room(app)
    found = room_directory.search(app, a_requester(BOB), Query())["chunk"]
    assert [one["room_id"] for one in found] == [room_id]
    room_purge.purge(app, room_id, is_forced=True)
    assert room_directory.search(app, a_requester(BOB), Query())["chunk"] == []
    with pytest.raises(errors.NotFound):
        aliases.resolve_room(app, "#full:soma.test")
