"""C-S API, "Server Access Control Lists (ACLs) for rooms": what the room says now counts."""

import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import room_reading, server_acl
from impl.storage.rooms import Room
from tests import builders
from tests.builders import ALICE

EVIL = "evil.test"


def deny(app: App, room_id: str, *globs: str) -> str:
    content = {"allow": ["*"], "deny": list(globs)}
    return builders.append(app, room_id, Draft("m.room.server_acl", ALICE, content, ""))[0]


def denied(app: App, room_id: str, server_name: str = EVIL) -> bool:
    with app.database.read() as txn:
        return server_acl.is_denied(app, txn, room(app, room_id), server_name)


def room(app: App, room_id: str) -> Room:
    with app.database.read() as txn:
        return room_reading.get(app, txn, room_id)


def test_without_a_list_nobody_is_kept_out(app: App) -> None:
    assert not denied(app, builders.a_room(app))


def test_the_list_that_stands_now_counts(app: App) -> None:
    room_id = builders.a_room(app)
    deny(app, room_id, "evil.*")
    assert denied(app, room_id) and denied(app, room_id, "evil.test:8448")
    assert not denied(app, room_id, "good.test")
    deny(app, room_id, "other.test")
    assert not denied(app, room_id) and denied(app, room_id, "other.test")


def test_a_list_under_another_state_key_is_none(app: App) -> None:
    room_id = builders.a_room(app)
    content = {"deny": ["*"]}
    builders.append(app, room_id, Draft("m.room.server_acl", ALICE, content, "x"))
    assert not denied(app, room_id)


def test_a_list_that_was_redacted_lets_nobody_in(app: App) -> None:
    room_id = builders.a_room(app)
    event_id = deny(app, room_id, "other.test")
    assert not denied(app, room_id)
    builders.append(app, room_id, Draft("m.room.redaction", ALICE, {"redacts": event_id}))
    assert denied(app, room_id)


def test_what_is_kept_out_is_told_that_it_is(app: App) -> None:
    room_id = builders.a_room(app)
    deny(app, room_id, EVIL)
    with app.database.read() as txn:
        server_acl.check(app, txn, room(app, room_id), "good.test")
        with pytest.raises(errors.Forbidden):
            server_acl.check(app, txn, room(app, room_id), EVIL)


def test_many_rooms_are_asked_in_one_statement(app: App) -> None:
    rooms = [builders.a_room(app) for _ in range(5)]
    for room_id in rooms[:3]:
        deny(app, room_id, EVIL)
    nids = [room(app, room_id).room_nid for room_id in rooms]
    with app.database.read() as txn:
        assert server_acl.list_denying(app, txn, nids, EVIL) == set(nids[:3])
        assert server_acl.list_denying(app, txn, nids, "good.test") == set()
        assert server_acl.list_denying(app, txn, [], EVIL) == set()
    counted: list[str] = []
    with app.database.read() as txn:
        execute = txn.execute
        counting = type("Counting", (), {})()
        counting.execute = lambda sql, *more: (counted.append(sql), execute(sql, *more))
        counting.fetchall = txn.fetchall
        server_acl.list_denying(app, counting, nids, "third.test")
    assert len(counted) == 1


def test_no_more_verdicts_are_remembered_than_fit(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_acl, "VERDICTS_MAX", 3)
    room_id = builders.a_room(app)
    deny(app, room_id, "evil*")
    for number in range(10):
        assert denied(app, room_id, f"evil{number}.test")
        assert not denied(app, room_id, f"good{number}.test")
