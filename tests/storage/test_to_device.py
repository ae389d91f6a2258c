"""Messages that wait for devices: what the database does for them."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from impl.storage import streams, to_device
from tests.builders import ALICE, BOB
from tests.to_device import a_person

DEVICES = 40
MESSAGES_EACH = 50


@pytest.fixture
def busy(app: App) -> App:
    """Many devices of two people, each with many messages, and what the planner knows of them."""
    for user_id in (a_person(app, "alice"), a_person(app, "bob")):
        with app.database.transaction() as txn:
            txn.execute(
                "INSERT INTO devices (user_id, device_id, created_ts)"
                " SELECT %s, 'D' || n, 0 FROM generate_series(1, %s) n",
                (user_id, DEVICES),
            )
    for number in range(MESSAGES_EACH):
        with app.database.transaction() as txn:
            found = to_device.lock_devices(txn, [], [ALICE, BOB])
            messages = [(address, f'{{"n":{number}}}') for address in found]
            to_device.insert(txn, ALICE, "m.test", messages, received_ts=number)
    with app.database.read() as txn:
        txn.execute("ANALYZE to_device_messages, devices")
    return app


def plan(app: App, ask: Callable[[Any], object]) -> dict[str, Any]:
    """How the database did what a function asks for."""
    seen: list[tuple[str, Any]] = []

    class Asked:
        rowcount = 0

        def execute(self, sql: str, parameters: Any = ()) -> None:
            seen.append((sql, parameters))

        with_commit = execute

        def fetchall(self) -> list[Any]:
            return []

    ask(Asked())
    ((sql, parameters),) = seen
    with app.database.transaction() as txn:
        txn.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql, parameters)
        return txn.fetchone()[0][0]["Plan"]


def nodes(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [found] + [node for child in found.get("Plans", ()) for node in nodes(child)]


def test_a_sync_reads_its_own_devices_rows_only(busy: App) -> None:
    found = nodes(plan(busy, lambda txn: to_device.list_waiting(txn, BOB, "D7", 0, 1 << 62, 10)))
    (scan,) = [node for node in found if "Scan" in node["Node Type"]]
    assert scan["Node Type"] in ("Index Scan", "Index Only Scan")
    assert scan["Index Name"] == "to_device_messages_pkey"
    assert "user_id" in scan["Index Cond"] and "device_id" in scan["Index Cond"]
    assert scan["Actual Rows"] == 10 and "Filter" not in scan
    # In the order of the index: nothing is sorted, and what is beyond the limit is not read.
    assert [node["Node Type"] for node in found] == ["Limit", scan["Node Type"]]


def test_what_was_heard_is_deleted_by_the_index(busy: App) -> None:
    found = nodes(plan(busy, lambda txn: to_device.delete_up_to(txn, BOB, "D7", 1 << 62)))
    scans = [node for node in found if "Scan" in node["Node Type"]]
    assert {node["Node Type"] for node in scans} <= {
        *("Index Scan", "Bitmap Index Scan", "Bitmap Heap Scan", "Tid Scan")
    }
    read = [node for node in scans if node["Node Type"] != "Tid Scan"]
    assert {node["Actual Rows"] for node in read} == {MESSAGES_EACH}


def test_a_worker_finds_the_newest_by_the_index(busy: App) -> None:
    with busy.database.read() as txn:
        after = streams.current(txn) - 1
        streams.list_news(txn, after)
        txn.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {streams.NEWS.name} (%s, %s)",
            (after, streams.POSITION_MAX),
        )
        found = nodes(txn.fetchone()[0][0]["Plan"])
    scans = [node for node in found if node.get("Relation Name") == "to_device_messages"]
    assert scans
    assert all("Index" in node["Node Type"] or "Bitmap" in node["Node Type"] for node in scans)


def test_the_job_finds_what_is_old_by_the_index(busy: App) -> None:
    found = nodes(plan(busy, lambda txn: to_device.delete_unread(txn, 1, 1, 1000)))
    scans = [node for node in found if node.get("Relation Name") == "to_device_messages"]
    assert scans and all("Seq Scan" not in node["Node Type"] for node in scans)


def test_a_request_has_one_position_and_each_of_its_users_one_row_of_news(busy: App) -> None:
    with busy.database.transaction() as txn:
        found = to_device.lock_devices(txn, [(ALICE, "D1")], [BOB])
        assert found == [(ALICE, "D1"), *sorted((BOB, f"D{n}") for n in range(1, DEVICES + 1))]
        to_device.insert(txn, ALICE, "m.test", [(one, "{}") for one in found], 0)
    with busy.database.read() as txn:
        newest = streams.current(txn)
        news = streams.list_news(txn, newest - 1)
        assert {(row.position, row.user_id) for row in news} == {(newest, ALICE), (newest, BOB)}
        assert len(news) == 2
        assert [one.position for one in to_device.list_waiting(txn, BOB, "D1", 0, newest, 100)][
            -1
        ] == newest


def test_what_another_deletes_is_left_to_them(busy: App) -> None:
    with busy.database.transaction() as other:
        other.execute(
            "SELECT 1 FROM to_device_messages WHERE device_id = 'D7' AND content = '{\"n\":3}'"
            " FOR UPDATE"
        )
        with busy.database.transaction() as txn:
            to_device.delete_up_to(txn, BOB, "D7", 1 << 62)
        with busy.database.read() as txn:
            left = to_device.list_waiting(txn, BOB, "D7", 0, 1 << 62, 100)
            assert [one.content for one in left] == ['{"n":3}']
            assert len(to_device.list_waiting(txn, BOB, "D8", 0, 1 << 62, 100)) == MESSAGES_EACH
