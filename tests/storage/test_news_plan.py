"""What every process reads after each commit costs what moved, however much there is."""

from typing import Any

import pytest

from impl.app import App
from impl.storage import streams
from impl.storage.database import Transaction
from tests.builders import a_room

ROWS = 20_000
LAST = ROWS * 10
FILLED = {
    *("timeline", "membership_changes", "receipts", "typing", "presence", "account_data"),
    *("device_list_changes", "outgoing_to_device"),
}


@pytest.fixture
def full(app: App) -> App:
    """A server with a past; the position of row n of the k-th table is 10 n + k."""
    with app.database.transaction() as txn:
        txn.execute(
            """
            INSERT INTO timeline (room_nid, position, event_nid, topological, current_state_root)
                 SELECT 1, n * 10, n, n, 1 FROM generate_series(1, 20000) AS n;
            INSERT INTO membership_changes (user_id, position, room_nid, event_nid, membership)
                 SELECT '@u' || n || ':soma.test', n * 10, 1, n, 'join'
                   FROM generate_series(1, 20000, 2) AS n;
            INSERT INTO receipts (room_nid, user_id, receipt_type, event_id, received_ts, position)
                 SELECT 1, '@u' || n || ':soma.test', 'm.read', '$e', 0, n * 10 - 1
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO typing (room_nid, user_id, until_ts, position)
                 SELECT 1, '@u' || n || ':soma.test', 0, n * 10 - 2
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO presence (user_id, state, last_active_ts, is_currently_active, position)
                 SELECT '@u' || n || ':soma.test', 'online', 0, FALSE, n * 10 - 3
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO account_data (user_id, type, content, position)
                 SELECT '@u' || n || ':soma.test', 'm.test', '{}', n * 10 - 4
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO device_list_changes (user_id, device_id, position)
                 SELECT '@u' || n || ':soma.test', 'D', n * 10 - 5
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO outgoing_to_device (destination, position, edu, queued_ts)
                 SELECT 's' || n % 50 || '.example', n * 10 - 6, '{}', n
                   FROM generate_series(1, 20000) AS n;
            """
        )
    with app.database.read() as txn:
        txn.execute("ANALYZE")
    return app


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    found = [plan] if "Relation Name" in plan else []
    return found + [one for inner in plan.get("Plans", ()) for one in scans(inner)]


def test_news_are_read_by_the_positions_alone(full: App) -> None:
    with full.database.read() as txn:
        # The last ten of each, whoever planned it and for which position.
        assert len(streams.list_news(txn, 0)) == streams.NEWS_MAX
        assert len(streams.list_news(txn, LAST - 100)) == 75
        txn.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {streams.NEWS.name} (%s, %s)",
            (LAST - 100, streams.POSITION_MAX),
        )
        found = scans(txn.fetchone()[0][0]["Plan"])
    # A table of which it is known that it is empty may be read as it is.
    filled = [one for one in found if one["Relation Name"] in FILLED]
    assert {one["Relation Name"] for one in filled} == FILLED
    assert {one["Node Type"] for one in filled} == {"Index Scan", "Index Only Scan"}
    assert sum(one["Actual Rows"] for one in found) == 75
    assert not [one for one in found if one.get("Rows Removed by Filter")]


def test_a_statement_is_prepared_once_on_each_connection(app: App) -> None:
    with app.database.read() as one, app.database.read() as other:
        for txn in (one, other, one, other):
            streams.list_news(txn, 0)
            txn.execute("SELECT name, generic_plans > 0 FROM pg_prepared_statements")
            assert txn.fetchall() == [(streams.NEWS.name, True)]


def test_what_a_transaction_prepared_outlasts_it(app: App) -> None:
    with pytest.raises(RuntimeError), app.database.transaction() as txn:
        streams.list_news(txn, 0)
        raise RuntimeError("it is rolled back")
    with app.database.transaction() as txn:
        assert streams.list_news(txn, 0) == []


def test_where_statements_do_not_last_the_news_are_read_all_the_same(app: App) -> None:
    a_room(app)
    with app.database.read() as txn:
        expected = streams.list_news(txn, 0)
        assert expected
        # A pooler has lent another of its connections since.
        txn.execute("DEALLOCATE ALL")
        assert streams.list_news(txn, 0) == expected
        assert streams.list_news(txn, 0) == expected
    with app.database.transaction() as txn:
        assert streams.list_news(txn, 0) == expected


def test_a_name_that_another_has_taken_is_no_obstacle(app: App) -> None:
    a_room(app)
    connection = app.database.connect()
    with app.database.transaction_on(connection) as txn:
        txn.execute(f"PREPARE {streams.NEWS.name} AS SELECT 1")
    with connection.cursor() as cursor:
        assert streams.list_news(Transaction(cursor, ""), 0)
    connection.close()
