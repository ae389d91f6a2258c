"""Keys of servers that are made up go, those that somebody needs stay."""

import pytest

from impl.app import App
from impl.jobs import server_keys as job
from impl.storage import room_servers, rooms, server_keys
from tests.storage.test_server_keys import KEY, document, keys_of, put


def count(app: App, table: str) -> int:
    with app.database.read() as txn:
        txn.execute(f"SELECT count(*) FROM {table}")
        return int(txn.fetchone()[0])


def make_needed(app: App) -> None:
    """One server is in a room, of another somebody was."""
    with app.database.transaction() as txn:
        head = rooms.insert(txn, "!room:a.test", "11", 1)
        assert head is not None
        room_servers.put_told(txn, head.room.room_nid, ["present.test"])
        txn.execute(
            "INSERT INTO room_members (room_nid, user_id, membership, event_nid, sender)"
            " VALUES (%s, '@a:gone.test:8448', 'leave', 1, '@a:gone.test:8448')",
            (head.room.room_nid,),
        )


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_the_keys_of_strangers_go_after_some_days(
    app: App, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(job, "BATCH_SERVERS", batch)
    make_needed(app)
    now_ms = app.now_ms()
    old_ts, new_ts = now_ms - job.KEPT_MS - 1, now_ms - job.KEPT_MS + 60_000
    names = ["present.test", "gone.test:8448", *[f"made-up{number}.test" for number in range(7)]]
    for name in names:
        put(app, document(2 * now_ms, name, one=(KEY, 2 * now_ms, False)), ts=old_ts)
    # Of one a key is told again, another is new.
    put(app, document(1, "made-up0.test", two=(KEY, 1, False)), ts=new_ts)
    put(app, document(1, "new.test", one=(KEY, 1, False)), ts=new_ts)
    assert job.forget_strangers(app) is False
    left = {name for name in [*names, "new.test"] if keys_of(app, name)}
    assert left == {"present.test", "gone.test:8448", "made-up0.test", "new.test"}
    assert keys_of(app, "made-up0.test").keys() == {"one", "two"}
    assert count(app, "server_key_documents") == count(app, "server_keys") == 5
    # It begins anew the next time.
    put(app, document(1, "a.test", one=(KEY, 1, False)), ts=old_ts)
    assert job.forget_strangers(app) is False
    assert not keys_of(app, "a.test")


def test_what_is_fetched_meanwhile_stays(app: App) -> None:
    put(app, document(1, "made-up.test", one=(KEY, 1, False)), ts=1)
    with app.database.read() as txn:
        names = server_keys.list_unused(txn, 2, "", 10)
    put(app, document(1, "made-up.test", one=(KEY, 1, False)), ts=3)
    with app.database.transaction() as txn:
        assert server_keys.delete_unneeded(txn, names, 2) == 0
    assert keys_of(app, "made-up.test")
