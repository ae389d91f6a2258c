"""Backups of message keys on a real database: which key is kept, what is counted, who writes at the
same time."""

import itertools
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import gevent
import msgspec
import pytest

from impl import errors
from impl.app import App
from impl.services import accounts, key_backups
from impl.storage import key_backups as stored
from impl.storage.database import Transaction
from tests.builders import ALICE, BOB, SERVER_NAME, a_requester

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
ROOM, OTHER_ROOM = f"!room:{SERVER_NAME}", f"!other:{SERVER_NAME}"

TABLES = ("key_backup_owners", "key_backups", "key_backup_keys")

alice, bob = a_requester(ALICE), a_requester(BOB)


@dataclass
class AKey:
    first_message_index: int = 0
    forwarded_count: int = 0
    is_verified: bool = False
    session_data: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def app(new_app: Callable[..., App]) -> App:
    app = new_app()
    for name in ("alice", "bob"):
        accounts.register_user(app, name, None)
    return app


@pytest.fixture
def other_app(app: App, new_app: Callable[..., App]) -> App:
    """Another worker."""
    return new_app(dsn=app.database.dsn)


def a_backup(app: App) -> str:
    return key_backups.create_version(app, alice, ALGORITHM, {"public_key": "abc"})


def put(app: App, version: str, **sessions: AKey) -> dict[str, Any]:
    return key_backups.put_keys(app, alice, version, {ROOM: sessions})


def sessions_of(app: App, version: str) -> dict[str, Any]:
    """As a client reads it."""
    rooms = key_backups.get_keys(app, alice, version)
    return msgspec.json.decode(msgspec.json.encode(rooms))


def counts(app: App, version: str) -> tuple[str, int]:
    found = key_backups.get_version(app, alice, version)
    return found["etag"], found["count"]


def rows(app: App, table: str) -> int:
    with app.database.read() as txn:
        txn.execute(f"SELECT count(*) FROM {table}")
        return txn.fetchone()[0]


def refusal(action: Callable[..., object], *arguments: Any) -> object:
    try:
        return action(*arguments)
    except errors.MatrixError as error:
        return error


def until_waiting(app: App, count: int) -> None:
    """Returns when so many transactions wait for a lock."""
    waiting = -1
    with gevent.Timeout(30):
        while waiting < count:
            gevent.sleep(0.005)
            with app.database.read() as txn:
                txn.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                waiting = txn.fetchone()[0]


# Worse first.
RANKED = [
    AKey(9, 9, is_verified=False),
    AKey(9, 8, is_verified=False),
    AKey(8, 9, is_verified=False),
    AKey(8, 0, is_verified=False),
    AKey(9, 9, is_verified=True),
    AKey(9, 8, is_verified=True),
    AKey(8, 9, is_verified=True),
]


def ranked(rank: int) -> AKey:
    return replace(RANKED[rank], session_data={"rank": rank})


def test_the_better_of_two_keys_is_kept(app: App) -> None:
    version = a_backup(app)
    pairs = list(itertools.permutations(range(len(RANKED)), 2))
    for which in (0, 1):
        ranks = {f"{pair[0]} {pair[1]}": pair[which] for pair in pairs}
        put(app, version, **{name: ranked(rank) for name, rank in ranks.items()})
    kept = sessions_of(app, version)[ROOM]["sessions"]
    assert kept == {f"{pair[0]} {pair[1]}": asdict(ranked(max(pair))) for pair in pairs}


def test_a_key_that_is_no_better_stays_out_and_changes_no_etag(app: App) -> None:
    version = a_backup(app)
    put(app, version, s=AKey(3, 1, session_data={"first": True}))
    before = counts(app, version)
    for same in (AKey(3, 1), AKey(3, 2), AKey(4, 0)):
        assert put(app, version, s=same) == {"etag": before[0], "count": 1}
    assert counts(app, version) == before
    assert sessions_of(app, version)[ROOM]["sessions"]["s"]["session_data"] == {"first": True}


def test_one_put_may_bring_better_worse_and_new_keys(app: App) -> None:
    version = a_backup(app)
    first = put(app, version, a=AKey(5), b=AKey(5))
    then = put(app, version, a=AKey(6), b=AKey(4), c=AKey(1))
    assert (first["count"], then["count"]) == (2, 3)
    assert first["etag"] != then["etag"]
    kept = sessions_of(app, version)[ROOM]["sessions"]
    assert {name: key["first_message_index"] for name, key in kept.items()} == {
        "a": 5,
        "b": 4,
        "c": 1,
    }


def test_etag_and_count_follow_every_change(app: App) -> None:
    version = a_backup(app)
    seen = [counts(app, version)]

    def changed(answer: dict[str, Any], count: int) -> None:
        assert answer == {"etag": counts(app, version)[0], "count": count}
        assert rows(app, "key_backup_keys") == count
        assert answer["etag"] not in [etag for etag, _ in seen]
        seen.append(counts(app, version))

    assert seen == [(seen[0][0], 0)]
    changed(put(app, version, a=AKey(2), b=AKey(), c=AKey()), 3)
    changed(put(app, version, a=AKey(1)), 3)
    changed(key_backups.put_keys(app, alice, version, {OTHER_ROOM: {"a": AKey(), "d": AKey()}}), 5)
    changed(key_backups.delete_keys(app, alice, version, ROOM, "b"), 4)
    changed(key_backups.delete_keys(app, alice, version, OTHER_ROOM), 2)
    changed(key_backups.delete_keys(app, alice, version), 0)


def test_what_deletes_nothing_changes_nothing(app: App) -> None:
    version = a_backup(app)
    put(app, version, a=AKey())
    before = counts(app, version)
    for place in ((ROOM, "b"), (OTHER_ROOM, "a"), (OTHER_ROOM, None)):
        answer = key_backups.delete_keys(app, alice, version, *place)
        assert answer == {"etag": before[0], "count": 1}
    assert counts(app, version) == before


def test_a_deleted_version_takes_its_keys_and_leaves_the_others(app: App) -> None:
    old = a_backup(app)
    put(app, old, a=AKey(), b=AKey())
    new = a_backup(app)
    put(app, new, c=AKey())
    key_backups.delete_version(app, alice, old)
    assert rows(app, "key_backup_keys") == 1
    assert list(sessions_of(app, new)[ROOM]["sessions"]) == ["c"]


def test_no_number_comes_again(app: App) -> None:
    first, second = a_backup(app), a_backup(app)
    key_backups.delete_version(app, alice, second)
    third = a_backup(app)
    assert len({first, second, third}) == 3
    assert key_backups.get_version(app, alice, None)["version"] == third


def test_the_current_one_is_the_newest_that_there_is(app: App) -> None:
    first, second = a_backup(app), a_backup(app)
    assert isinstance(refusal(put, app, first), errors.WrongRoomKeysVersion)
    key_backups.delete_version(app, alice, second)
    assert key_backups.get_version(app, alice, None)["version"] == first
    assert put(app, first, a=AKey())["count"] == 1


def test_everything_is_read_across_pages(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_backups, "KEYS_AT_ONCE", 3)
    version = a_backup(app)
    sent = {
        f"!{letter}:{SERVER_NAME}": {f"s{n}": AKey(n) for n in range(size)}
        for letter, size in (("a", 1), ("B", 5), ("c", 3), ("d", 2), ("e", 1))
    }
    assert key_backups.put_keys(app, alice, version, sent)["count"] == 12
    read = sessions_of(app, version)
    assert {room_id: set(one["sessions"]) for room_id, one in read.items()} == {
        room_id: set(sessions) for room_id, sessions in sent.items()
    }
    for room_id, sessions in sent.items():
        found = key_backups.get_keys(app, alice, version, room_id)
        assert list(found) == [room_id] and set(found[room_id]["sessions"]) == set(sessions)


def test_twenty_thousand_keys_take_few_statements(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = a_backup(app)
    sent = {f"!{room}:{SERVER_NAME}": {f"s{n}": AKey(n) for n in range(100)} for room in range(200)}
    statements: list[str] = []
    for name in ("execute", "execute_values"):
        original = getattr(Transaction, name)

        def counting(self: Transaction, sql: str, *rest: Any, run: Any = original) -> None:
            statements.append(sql)
            run(self, sql, *rest)

        monkeypatch.setattr(Transaction, name, counting)
    assert key_backups.put_keys(app, alice, version, sent)["count"] == 20_000
    assert len(statements) < 20
    statements.clear()
    assert len(key_backups.get_keys(app, alice, version)) == 200
    assert len(statements) < 20


def test_a_bad_key_among_good_ones_leaves_nothing(app: App) -> None:
    version = a_backup(app)
    before = counts(app, version)
    bad = {ROOM: {"a": AKey()}, OTHER_ROOM: {"b": AKey(-1)}}
    with pytest.raises(errors.BadJson, match="first_message_index"):
        key_backups.put_keys(app, alice, version, bad)
    assert rows(app, "key_backup_keys") == 0
    assert counts(app, version) == before


def test_backups_are_each_user_s_own(app: App) -> None:
    version = a_backup(app)
    put(app, version, a=AKey())
    for action in (
        lambda: key_backups.get_version(app, bob, None),
        lambda: key_backups.get_version(app, bob, version),
        lambda: key_backups.get_keys(app, bob, version),
        lambda: key_backups.get_key(app, bob, version, ROOM, "a"),
        lambda: key_backups.delete_keys(app, bob, version),
        lambda: key_backups.delete_version(app, bob, version),
        lambda: key_backups.put_keys(app, bob, version, {ROOM: {"a": AKey()}}),
    ):
        assert isinstance(refusal(action), errors.NotFound)
    assert counts(app, version)[1] == 1
    # Everybody counts from the beginning.
    assert key_backups.create_version(app, bob, ALGORITHM, {}) == version


def test_who_deactivates_their_account_takes_their_backups(app: App) -> None:
    put(app, a_backup(app), a=AKey())
    put(app, a_backup(app), a=AKey())
    of_bob = key_backups.create_version(app, bob, ALGORITHM, {})
    key_backups.put_keys(app, bob, of_bob, {ROOM: {"a": AKey()}})
    accounts.deactivate(app, alice, erase=False)
    assert [rows(app, table) for table in TABLES] == [1, 1, 1]
    assert key_backups.get_version(app, bob, None)["count"] == 1
    assert isinstance(refusal(a_backup, app), errors.Forbidden)


def test_two_workers_put_the_same_keys_in_any_order(app: App, other_app: App) -> None:
    version = a_backup(app)
    names = [f"s{n}" for n in range(300)]
    chance = random.Random(7)

    def upload(worker: App, is_verified: bool) -> None:
        for index in range(5, 0, -1):
            shuffled = chance.sample(names, len(names))
            put(worker, version, **{name: AKey(index, 0, is_verified) for name in shuffled})

    running = [
        gevent.spawn(upload, worker, is_verified)
        for worker, is_verified in ((app, True), (other_app, False), (app, False))
    ]
    gevent.joinall(running, raise_error=True, timeout=60)
    kept = sessions_of(app, version)[ROOM]["sessions"]
    assert set(kept) == set(names)
    assert {(key["is_verified"], key["first_message_index"]) for key in kept.values()} == {
        (True, 1)
    }
    assert counts(app, version)[1] == 300 == rows(app, "key_backup_keys")


def test_different_keys_of_two_workers_are_all_counted(app: App, other_app: App) -> None:
    version = a_backup(app)
    answers: list[dict[str, Any]] = []

    def upload(worker: App, device: str) -> None:
        for n in range(20):
            answers.append(put(worker, version, **{f"{device}{n}": AKey()}))

    running = [gevent.spawn(upload, app, "a"), gevent.spawn(upload, other_app, "b")]
    gevent.joinall(running, raise_error=True, timeout=60)
    # None was told the etag or the count of another's state.
    assert sorted(answer["count"] for answer in answers) == list(range(1, 41))
    assert len({answer["etag"] for answer in answers}) == 40
    assert counts(app, version)[1] == 40


def test_two_workers_make_two_versions(app: App, other_app: App) -> None:
    workers = [app, other_app] * 5
    made = [one.get() for one in [gevent.spawn(a_backup, worker) for worker in workers]]
    assert len(set(made)) == 10
    assert key_backups.get_version(app, alice, None)["version"] == max(made, key=int)


def test_nothing_is_put_into_a_backup_that_stops_being_the_newest(app: App, other_app: App) -> None:
    old = a_backup(app)
    with app.database.transaction() as txn:
        version = stored.take_version(txn, ALICE)
        assert version is not None
        stored.insert(txn, ALICE, version, ALGORITHM, "{}")
        late = gevent.spawn(refusal, lambda: put(other_app, old, a=AKey()))
        until_waiting(app, 1)
    refused = late.get()
    assert isinstance(refused, errors.WrongRoomKeysVersion)
    assert refused.extra == {"current_version": str(version)}
    assert rows(app, "key_backup_keys") == 0


def test_nothing_is_put_into_a_backup_that_is_being_deleted(app: App, other_app: App) -> None:
    version = a_backup(app)
    with app.database.transaction() as txn:
        stored.lock(txn, ALICE)
        gone = gevent.spawn(key_backups.delete_version, app, alice, version)
        until_waiting(app, 1)
        late = gevent.spawn(refusal, lambda: put(other_app, version, a=AKey()))
        until_waiting(app, 2)
    gone.get()
    assert isinstance(late.get(), errors.NotFound)
    assert rows(app, "key_backup_keys") == 0


def test_keys_that_come_while_they_are_deleted_are_deleted_and_counted(
    app: App, other_app: App
) -> None:
    version = a_backup(app)
    with app.database.transaction() as txn:
        put_within(txn, "a", "b")
        late = gevent.spawn(key_backups.delete_keys, other_app, alice, version, ROOM, "a")
        until_waiting(app, 1)
    assert late.get()["count"] == 1
    assert rows(app, "key_backup_keys") == 1


def test_keys_that_come_while_their_user_goes_go_too(app: App, other_app: App) -> None:
    a_backup(app)
    with app.database.transaction() as txn:
        put_within(txn, "a", "b")
        gone = gevent.spawn(accounts.deactivate, other_app, alice, erase=False)
        until_waiting(app, 1)
    gone.get()
    assert [rows(app, table) for table in TABLES] == [0, 0, 0]


def put_within(txn: Any, *session_ids: str) -> None:
    """What a worker does that has not committed yet."""
    stored.lock(txn, ALICE)
    backup = stored.get_current(txn, ALICE)
    assert backup is not None
    keys = [stored.Key(ROOM, session_id, 0, 0, False, "{}") for session_id in session_ids]
    _, new = stored.put_keys(txn, backup.backup_nid, keys)
    stored.put_counts(txn, backup.backup_nid, backup.etag + 1, new)


def test_who_is_deactivated_meanwhile_leaves_no_backup(app: App, other_app: App) -> None:
    version = a_backup(app)
    with app.database.transaction() as txn:
        stored.lock(txn, ALICE)
        gone = gevent.spawn(accounts.deactivate, app, alice, erase=False)
        until_waiting(app, 1)
        # It holds the user's row already, and waits for the backups.
        late = [
            gevent.spawn(refusal, lambda: put(other_app, version, a=AKey())),
            gevent.spawn(refusal, lambda: a_backup(other_app)),
        ]
        until_waiting(app, 3)
    gone.get()
    assert all(isinstance(one.get(), errors.MatrixError) for one in late)
    assert [rows(app, table) for table in TABLES] == [0, 0, 0]
