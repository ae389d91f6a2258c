"""A message that has expired is shown to nobody from that moment on; which policy says so."""

from collections.abc import Callable
from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import (
    event_stream,
    history,
    jump_to_date,
    notifications,
    relations,
    room_reading,
    room_state,
    rooms,
)
from impl.services.initial_events import InitialState, RoomOptions
from impl.services.notifications import Asked as AskedNotifications
from impl.services.relations import Asked as AskedRelations
from impl.services.search import search
from impl.services.search.search import Criteria
from impl.storage.database import Transaction
from tests.builders import ALICE, BOB, a_requester, a_room, append, member, message
from tests.retained import DAY_MS, HOUR_MS, a_clock, bodies, dated, enabled, policy, related
from tests.services.sync_client import ask, joined, plain
from tests.services.sync_client import bodies as bodies_of

NewApp = Callable[..., App]


def test_it_lasts_to_the_millisecond_and_state_for_ever(new_app: NewApp) -> None:
    app = new_app(retention=enabled())
    move = a_clock(app)
    room_id = a_room(app, first=[policy(HOUR_MS), Draft("m.room.name", ALICE, {"name": "x"}, "")])
    append(app, room_id, message(ALICE, "old"))
    move(HOUR_MS)
    append(app, room_id, message(ALICE, "new"))
    assert bodies(app, room_id) == ["old", "new"]
    move(1)
    assert bodies(app, room_id) == ["new"]
    room = joined(ask(app, ALICE), room_id)
    assert bodies_of(room) == ["new"]
    kinds = [one["type"] for one in room["timeline"]["events"]]
    assert kinds[-2:] == ["m.room.name", "m.room.message"] and kinds[0] == "m.room.create"


def test_what_was_dated_ahead_lasts_as_if_it_was_sent_when_it_came(new_app: NewApp) -> None:
    one = new_app(retention=enabled(HOUR_MS))
    other = new_app(one.database.dsn, retention=enabled(HOUR_MS))
    move = a_clock(one, other)
    room_id = a_room(one, first=[member(BOB, "join")])
    for ahead_ms in (3650 * DAY_MS, HOUR_MS // 2):
        append(one, room_id, dated(message(BOB, "ahead"), one.now_ms() + ahead_ms))
    move(HOUR_MS)
    assert bodies(one, room_id) == bodies(other, room_id) == ["ahead", "ahead"]
    move(1)
    third = new_app(one.database.dsn, retention=enabled(HOUR_MS))
    third.now_ms = one.now_ms
    assert [bodies(app, room_id) for app in (one, other, third)] == [[], [], []]


def test_no_endpoint_shows_it(new_app: NewApp) -> None:
    app = new_app(retention=enabled())
    move = a_clock(app)
    room_id = a_room(app, first=[policy(HOUR_MS), member(BOB, "join")])
    bob = a_requester(BOB)
    since = ask(app, BOB)["next_batch"]
    old_ts = app.now_ms()
    (root,) = append(app, room_id, message(ALICE, "findme root"))
    append(app, room_id, related(ALICE, root, "m.thread", "findme reply"))
    move(HOUR_MS + 1)
    (said,) = append(app, room_id, message(ALICE, "findme new"))
    app.news.catch_up()

    assert bodies_of(joined(ask(app, BOB, since), room_id)) == ["findme new"]
    assert bodies(app, room_id, BOB) == ["findme new"]
    for get in (history.event, lambda *a: history.context(*a, 10, None)):
        with pytest.raises(errors.NotFound):
            get(app, bob, room_id, root)
    with pytest.raises(errors.NotFound):
        event_stream.get_event(app, bob, root)
    around = plain(history.context(app, bob, room_id, said, 10, None))
    assert "findme root" not in str(around) and "findme reply" not in str(around)
    with pytest.raises(errors.NotFound):
        relations.relating_events(app, bob, room_id, root, AskedRelations())
    threads = relations.thread_roots(app, bob, room_id, None, None, only_participated=False)
    assert threads["chunk"] == []
    told = plain(notifications.list_page(app, bob, AskedNotifications()))["notifications"]
    assert [one["event"]["content"]["body"] for one in told] == ["findme new"]
    found = plain(search.room_events(app, bob, Criteria("findme")))["results"]
    assert [one["result"]["event_id"] for one in found] == [said]
    near = jump_to_date.nearest(app, bob, room_id, old_ts, is_forward=True)
    assert near["event_id"] not in (root,)
    page = plain(event_stream.listen(app, bob, since, 0))
    assert [one["event_id"] for one in page["chunk"]] == [said]


@pytest.mark.parametrize(
    ("default", "own", "limits", "lifetime"),
    [
        (HOUR_MS, None, {}, HOUR_MS),
        (HOUR_MS, 2 * HOUR_MS, {}, 2 * HOUR_MS),
        (HOUR_MS, {"max_lifetime": None}, {}, HOUR_MS),
        (None, None, {"allowed_lifetime_max": HOUR_MS}, None),
        (None, HOUR_MS, {}, HOUR_MS),
        (None, HOUR_MS, {"allowed_lifetime_min": DAY_MS}, DAY_MS),
        (None, DAY_MS, {"allowed_lifetime_max": HOUR_MS}, HOUR_MS),
        (DAY_MS, None, {"allowed_lifetime_max": HOUR_MS}, HOUR_MS),
    ],
)
def test_the_rooms_policy_or_the_configured_one_within_the_limits(
    new_app: NewApp, default: int | None, own: Any, limits: dict[str, int], lifetime: int | None
) -> None:
    app = new_app(retention=enabled(default, **limits))
    move = a_clock(app)
    room_id = a_room(app)
    if own is not None:
        content = own if isinstance(own, dict) else {"max_lifetime": own}
        append(app, room_id, Draft("m.room.retention", ALICE, content, ""))
    append(app, room_id, message(ALICE, "hello"))
    move(100 * DAY_MS if lifetime is None else lifetime)
    assert bodies(app, room_id) == ["hello"]
    move(1)
    assert bodies(app, room_id) == (["hello"] if lifetime is None else [])


def test_where_it_is_not_enabled_no_policy_counts_and_nothing_is_asked(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = a_clock(app)
    room_id = a_room(app, first=[policy(HOUR_MS)])
    append(app, room_id, message(ALICE, "hello"))
    move(DAY_MS)
    assert bodies(app, room_id) == ["hello"]
    statements: list[str] = []
    execute = Transaction.execute

    def noting(txn: Transaction, sql: str, *parameters: Any) -> None:
        statements.append(sql)
        execute(txn, sql, *parameters)

    monkeypatch.setattr(Transaction, "execute", noting)
    assert bodies(app, room_id) == ["hello"]
    append(app, room_id, message(ALICE, "again"))
    assert statements and not any("m.room.retention" in one for one in statements)


def test_a_policy_is_read_once_for_all_rooms_of_a_sync(
    new_app: NewApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new_app(retention=enabled())
    for _ in range(5):
        append(one, a_room(one), message(ALICE, "hello"))
    other = new_app(one.database.dsn, retention=enabled())
    asked: list[str] = []
    execute = Transaction.execute

    def noting(txn: Transaction, sql: str, *parameters: Any) -> None:
        asked.extend(["policies"] if "m.room.retention" in sql else [])
        execute(txn, sql, *parameters)

    monkeypatch.setattr(Transaction, "execute", noting)
    assert len(ask(other, ALICE)["rooms"]["join"]) == 5
    assert asked == ["policies"]
    ask(other, ALICE)
    assert asked == ["policies"]


def test_every_worker_hears_of_another_policy(new_app: NewApp) -> None:
    one = new_app(retention=enabled(DAY_MS))
    other = new_app(one.database.dsn, retention=enabled(DAY_MS))
    move = a_clock(one, other)
    room_id = a_room(one)
    append(one, room_id, message(ALICE, "hello"))
    move(HOUR_MS + 1)
    assert bodies(one, room_id) == bodies(other, room_id) == ["hello"]
    append(one, room_id, policy(HOUR_MS))
    assert bodies(one, room_id) == bodies(other, room_id) == []
    append(other, room_id, policy(2 * HOUR_MS))
    assert bodies(one, room_id) == bodies(other, room_id) == ["hello"]


def test_a_policy_that_is_redacted_is_none(new_app: NewApp) -> None:
    one = new_app(retention=enabled())
    other = new_app(one.database.dsn, retention=enabled())
    move = a_clock(one, other)
    room_id = a_room(one)
    append(one, room_id, message(ALICE, "hello"))
    (made,) = append(one, room_id, policy(HOUR_MS))
    move(HOUR_MS + 1)
    assert bodies(one, room_id) == bodies(other, room_id) == []
    append(one, room_id, Draft("m.room.redaction", ALICE, {}, redacts=made))
    assert bodies(one, room_id) == bodies(other, room_id) == ["hello"]


@pytest.mark.parametrize(
    "content",
    [
        {"max_lifetime": "1d"},
        {"max_lifetime": -1},
        {"min_lifetime": 1.5},
        {"min_lifetime": 2, "max_lifetime": 1},
    ],
)
def test_what_is_no_policy_is_refused_to_our_users(app: App, content: dict[str, Any]) -> None:
    room_id = a_room(app)
    alice = a_requester(ALICE)
    with pytest.raises(errors.BadJson, match=next(iter(content))):
        room_state.put(app, alice, room_id, "m.room.retention", "", content)
    first = InitialState("m.room.retention", "", content)
    with pytest.raises(errors.BadJson, match=next(iter(content))):
        rooms.create(app, alice, RoomOptions(initial_state=[first]))
    with app.database.read() as txn:
        room = app.rooms.get(txn, room_id)
        assert room is not None
        root = room_reading.visible_root(app, txn, room_id, ALICE)[1]
        state = room_reading.whole_state_at(app, txn, room, root)
    assert "m.room.retention" not in {one.event.type for one in state}


def test_a_policy_of_ours_is_taken(app: App) -> None:
    room_id = a_room(app)
    content = {"min_lifetime": 1, "max_lifetime": HOUR_MS, "org.example": "more"}
    assert room_state.put(app, a_requester(ALICE), room_id, "m.room.retention", "", content)
