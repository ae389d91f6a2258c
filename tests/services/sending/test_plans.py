"""The plans of what the sender reads: a window of the stream costs what is in it, and what a server
missed costs its rooms.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from impl.app import App
from impl.storage import arrivals, destinations, outgoing, room_servers

POSITIONS = 60_000
FAR = "s7.example"


class Explained:
    """Runs each statement with EXPLAIN, and keeps what its plan reads."""

    def __init__(self, txn: Any) -> None:
        self._txn = txn
        # (the kind of scan, the table, the index, rows that were read)
        self.scans: list[tuple[str, str, str, int]] = []

    def execute(self, sql: str, parameters: Any = ()) -> None:
        self._txn.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql, parameters)
        (plans,) = self._txn.fetchone()
        plans = json.loads(plans) if isinstance(plans, str) else plans
        self.scans += list(_scans(plans[0]["Plan"]))

    def fetchall(self) -> list[Any]:
        return []

    def fetchone(self) -> Any:
        return (None,) * 8


def _scans(plan: dict[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    if "Relation Name" in plan:
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        rows *= plan["Actual Loops"]
        yield plan["Node Type"], plan["Relation Name"], plan.get("Index Name", ""), int(rows)
    for inner in plan.get("Plans", ()):
        yield from _scans(inner)


@pytest.fixture
def full(app: App) -> App:
    """A server with a past: a tenth of what happened was for others."""
    with app.database.transaction() as txn:
        txn.execute(
            """
            INSERT INTO rooms (room_id, room_version, created_ts, has_other_servers)
                 SELECT '!' || n || ':soma.test', '11', 0, n % 2 = 0
                   FROM generate_series(1, 2000) AS n;
            INSERT INTO room_servers (room_nid, server_name, joined_count)
                 SELECT room_nid, 's' || n || '.example', 1
                   FROM rooms CROSS JOIN generate_series(1, 10) AS n
                  WHERE has_other_servers AND (n <> 7 OR room_nid % 100 = 0);
            INSERT INTO timeline (room_nid, position, event_nid, topological, current_state_root,
                                  is_outgoing, is_arrival, parting_server)
                 SELECT 1 + n % 2000, n * 5, n, n, 1, n % 10 = 0, n % 10 = 1,
                        CASE WHEN n % 1000 = 0 THEN 's' || n / 1000 % 10 || '.example' END
                   FROM generate_series(1, 60000) AS n;
            INSERT INTO receipts (room_nid, user_id, receipt_type, event_id, received_ts, position)
                 SELECT 1 + n % 2000, '@u' || n || ':soma.test', 'm.read', '$e', 0, n * 5 + 1
                   FROM generate_series(1, 60000) AS n;
            INSERT INTO typing (room_nid, user_id, until_ts, position)
                 SELECT 1 + n % 2000, '@u' || n || ':soma.test', 0, n * 5 + 2
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO presence (user_id, state, last_active_ts, is_currently_active, position)
                 SELECT '@u' || n || ':soma.test', 'online', 0, FALSE, n * 5 + 3
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO device_list_changes (user_id, device_id, position)
                 SELECT '@u' || n || ':soma.test', 'D', n * 5 + 4
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO room_members (room_nid, user_id, membership, event_nid, sender)
                 SELECT 1 + n % 2000, '@u' || n || ':soma.test', 'join', n, '@u:soma.test'
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO outgoing_to_device (destination, position, edu, queued_ts)
                 SELECT 's' || n % 50 || '.example', n * 5 + 1000000, '{}', n
                   FROM generate_series(1, 20000) AS n;
            INSERT INTO destinations (server_name, name_hash, served_position, retry_ts)
                 SELECT 'dead' || n || '.example', n, 1, n * 1000
                   FROM generate_series(1, 10000) AS n;
            """
        )
    with app.database.read() as txn:
        txn.execute("ANALYZE")
    return app


Scans = list[tuple[str, str, str, int]]


def explain(app: App, read: Callable[[Any], object]) -> Scans:
    with app.database.read() as txn:
        explained = Explained(txn)
        read(explained)
    return explained.scans


def read_rows(scans: Scans, table: str) -> int:
    return sum(one[3] for one in scans if one[1] == table)


def assert_by_index(scans: Scans) -> None:
    assert scans
    assert not [one for one in scans if one[0] == "Seq Scan"], scans


def test_a_window_of_the_stream_costs_what_is_in_it(full: App) -> None:
    scans = explain(
        full, lambda txn: outgoing.list_window(txn, 299_000, 299_500, full.server_name, 500)
    )
    assert_by_index(scans)
    assert "timeline_outgoing" in {one[2] for one in scans}
    # A hundred rows of the timeline, of which ten are for others.
    assert read_rows(scans, "timeline") == 10
    assert read_rows(scans, "receipts") == 100


def test_of_what_somebody_missed_only_what_can_be_told_is_read(full: App) -> None:
    scans = explain(full, lambda txn: outgoing.list_durable(txn, 0, 300_000, full.server_name, 301))
    assert_by_index(scans)
    assert {one[1] for one in scans} == {"timeline", "device_list_changes", "outgoing_to_device"}
    assert sum(one[3] for one in scans) < 1_500


def test_what_a_server_missed_costs_its_rooms(full: App) -> None:
    scans = explain(full, lambda txn: outgoing.list_missed_rooms(txn, FAR, 150_000, 300_000, 0, 50))
    assert_by_index(scans)
    assert "timeline_outgoing_room" in {one[2] for one in scans}
    assert read_rows(scans, "room_servers") == 20
    assert read_rows(scans, "timeline") <= 20


def test_by_what_a_server_was_put_out_costs_just_that(full: App) -> None:
    scans = explain(full, lambda txn: outgoing.list_partings(txn, FAR, 0, 300_000))
    assert_by_index(scans)
    assert {one[2] for one in scans} == {"timeline_parting"}


def test_messages_for_one_server_are_found_by_it(full: App) -> None:
    scans = explain(full, lambda txn: outgoing.list_to_device(txn, FAR, 0, 2_000_000, 100))
    assert_by_index(scans)
    assert read_rows(scans, "outgoing_to_device") == 100


def test_whose_time_has_come_is_found_without_looking_at_the_others(full: App) -> None:
    scans = explain(
        full, lambda txn: destinations.list_due(txn, 4, range(4), 50_000, ["dead1.example"], 20)
    )
    assert_by_index(scans)
    assert read_rows(scans, "destinations") <= 21


@pytest.mark.parametrize(
    "read",
    [
        lambda txn: room_servers.get(txn, 100),
        lambda txn: room_servers.list_of_room(txn, 100),
        lambda txn: room_servers.list_rooms_of(txn, FAR),
        lambda txn: room_servers.is_in_room(txn, 100, FAR),
        lambda txn: room_servers.list_sharing(txn, ["@u7:soma.test"]),
        lambda txn: room_servers.list_sharing_elsewhere(txn, "@u7:soma.test", 8),
        lambda txn: outgoing.list_missed_devices(txn, FAR, 90_000, 100_000, "soma.test", 100),
        lambda txn: outgoing.count_after(txn, 290_000, 1_000),
        lambda txn: outgoing.get_last_device(txn, "@u7:soma.test"),
        lambda txn: outgoing.list_typing(txn, 1, "soma.test"),
        lambda txn: arrivals.list_arrivals(txn, 299_000, 299_500, 100),
        lambda txn: arrivals.list_present_in(txn, 8, "soma.test", 100),
    ],
)
def test_nothing_is_read_from_end_to_end(full: App, read: Callable[[Any], object]) -> None:
    assert_by_index(explain(full, read))
