"""User-interactive authentication under way. Table: ui_auth_sessions."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Session:
    session_id: str
    created_ts: int
    operation: str
    body: dict[str, Any]
    completed: dict[str, str]


def insert(txn: Any, session: Session) -> None:
    txn.execute(
        """
        INSERT INTO ui_auth_sessions (session_id, created_ts, operation, body)
             VALUES (%s, %s, %s, %s)
        """,
        (session.session_id, session.created_ts, session.operation, json.dumps(session.body)),
    )


def delete_old(txn: Any, before_ts: int, limit: int) -> list[dict[str, str]]:
    """Forget some of the sessions that are too old and that nobody holds; returns what each had
    completed.
    """
    txn.execute(
        """
        DELETE FROM ui_auth_sessions
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM ui_auth_sessions
                                 WHERE created_ts < %s
                                 ORDER BY created_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
     RETURNING completed
        """,
        (before_ts, limit),
    )
    return [json.loads(row[0]) for row in txn.fetchall()]


def lock(txn: Any, session_id: str) -> Session | None:
    txn.execute(
        """
        SELECT session_id, created_ts, operation, body, completed
          FROM ui_auth_sessions
         WHERE session_id = %s
           FOR UPDATE
        """,
        (session_id,),
    )
    row = txn.fetchone()
    return Session(*row[:3], json.loads(row[3]), json.loads(row[4])) if row else None


def put_completed(txn: Any, session_id: str, completed: dict[str, str]) -> None:
    txn.execute(
        """
        UPDATE ui_auth_sessions
           SET completed = %s
         WHERE session_id = %s
        """,
        (json.dumps(completed), session_id),
    )


def put_body(txn: Any, session_id: str, body: dict[str, Any]) -> None:
    txn.execute(
        """
        UPDATE ui_auth_sessions
           SET body = %s
         WHERE session_id = %s
        """,
        (json.dumps(body), session_id),
    )


def delete(txn: Any, session_id: str) -> bool:
    """False if somebody else has used it up."""
    txn.execute(
        """
        DELETE FROM ui_auth_sessions
         WHERE session_id = %s
        """,
        (session_id,),
    )
    return txn.rowcount == 1
