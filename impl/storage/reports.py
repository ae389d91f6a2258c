"""What users report to the administrators. Table: reports."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """`room_id` alone: a room; with `event_id`: an event, whose sender is `user_id`; `user_id`
    alone: a user.
    """

    received_ts: int
    reporter: str
    room_id: str | None
    event_id: str | None
    user_id: str | None
    reason: str | None


def insert(txn: Any, report: Report) -> None:
    txn.execute(
        """
        INSERT INTO reports (received_ts, reporter, room_id, event_id, user_id, reason)
             VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (
            report.received_ts,
            report.reporter,
            report.room_id,
            report.event_id,
            report.user_id,
            report.reason,
        ),
    )


def insert_of_known_user(txn: Any, report: Report) -> None:
    """A user's report, unless nobody here has heard of the user: the same statement for both."""
    txn.execute(
        """
        INSERT INTO reports (received_ts, reporter, user_id, reason)
             SELECT %(received_ts)s, %(reporter)s, %(user_id)s, %(reason)s
              WHERE EXISTS (SELECT 1 FROM users WHERE user_id = %(user_id)s)
                 OR EXISTS (SELECT 1 FROM room_members WHERE user_id = %(user_id)s)
        """,
        {
            "received_ts": report.received_ts,
            "reporter": report.reporter,
            "user_id": report.user_id,
            "reason": report.reason,
        },
    )


def list_all(txn: Any) -> list[Report]:
    """In the order in which they came."""
    txn.execute(
        """
        SELECT received_ts, reporter, room_id, event_id, user_id, reason
          FROM reports
         ORDER BY report_id
        """
    )
    return [Report(*row) for row in txn.fetchall()]
