"""Devices. Table: devices.

With a device goes what refers to it: its tokens, and the messages that wait for it. Several are
locked in the order of their ids before they are deleted, as they are by whoever sends to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    device_id: str
    display_name: str | None
    last_seen_ts: int | None
    last_seen_ip: str | None
    last_seen_user_agent: str | None


_COLUMNS = "device_id, display_name, last_seen_ts, last_seen_ip, last_seen_user_agent"


def get(txn: Any, user_id: str, device_id: str) -> Device | None:
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM devices
         WHERE user_id = %s
           AND device_id = %s
        """,
        (user_id, device_id),
    )
    row = txn.fetchone()
    return Device(*row) if row else None


def list_of_user(txn: Any, user_id: str) -> list[Device]:
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM devices
         WHERE user_id = %s
         ORDER BY device_id
        """,
        (user_id,),
    )
    return [Device(*row) for row in txn.fetchall()]


def put(txn: Any, user_id: str, device_id: str, display_name: str | None, created_ts: int) -> bool:
    """Add a device; False if it is there: it keeps its name."""
    txn.execute(
        """
        INSERT INTO devices (user_id, device_id, display_name, created_ts)
             VALUES (%s, %s, %s, %s)
        ON CONFLICT (user_id, device_id) DO NOTHING
        """,
        (user_id, device_id, display_name, created_ts),
    )
    return txn.rowcount == 1


def put_display_name(txn: Any, user_id: str, device_id: str, display_name: str) -> bool:
    """False if there is no such device."""
    txn.execute(
        """
        UPDATE devices
           SET display_name = %s
         WHERE user_id = %s
           AND device_id = %s
        """,
        (display_name, user_id, device_id),
    )
    return txn.rowcount == 1


def lock(txn: Any, user_id: str, device_ids: Sequence[str] | None = None) -> list[str]:
    """Those that are there, of some or of all: nobody else changes them, or what refers to them,
    before this transaction ends.
    """
    txn.execute(
        """
        SELECT device_id
          FROM devices
         WHERE user_id = %s
           AND (%s::text[] IS NULL OR device_id = ANY(%s::text[]))
         ORDER BY device_id
           FOR UPDATE
        """,
        (user_id, *([None, None] if device_ids is None else [list(device_ids)] * 2)),
    )
    return [row[0] for row in txn.fetchall()]


def delete(txn: Any, user_id: str, device_ids: Sequence[str]) -> None:
    """With all that is theirs; they are locked."""
    txn.execute(
        """
        DELETE FROM devices
         WHERE user_id = %s
           AND device_id = ANY(%s)
        """,
        (user_id, list(device_ids)),
    )


def put_proved(txn: Any, user_id: str, device_id: str, proved_ts: int) -> None:
    """Whoever has the device has proved who they are. With the COMMIT."""
    txn.with_commit(
        """
        UPDATE devices
           SET proved_ts = %s
         WHERE user_id = %s
           AND device_id = %s
        """,
        (proved_ts, user_id, device_id),
    )


def get_proved(txn: Any, user_id: str, device_id: str) -> int | None:
    """When they last did so."""
    txn.execute(
        """
        SELECT proved_ts
          FROM devices
         WHERE user_id = %s
           AND device_id = %s
        """,
        (user_id, device_id),
    )
    row = txn.fetchone()
    return row[0] if row else None


def put_last_seen(txn: Any, seen: Sequence[tuple[str, str, int, str | None, str | None]]) -> None:
    """(user_id, device_id, when, from which address, with what) of several devices. One that
    somebody else is writing is left out: nobody waits for this, so that nobody can wait in a
    circle.
    """
    txn.execute_values(
        """
        WITH seen (user_id, device_id, seen_ts, seen_ip, user_agent) AS (VALUES %s),
             free AS (
                 SELECT d.user_id, d.device_id, seen.seen_ts, seen.seen_ip, seen.user_agent
                   FROM devices d
                   JOIN seen USING (user_id, device_id)
                  WHERE d.last_seen_ts IS NULL
                     OR d.last_seen_ts < seen.seen_ts
                    FOR NO KEY UPDATE OF d SKIP LOCKED)
        UPDATE devices
           SET last_seen_ts = free.seen_ts,
               last_seen_ip = free.seen_ip,
               last_seen_user_agent = free.user_agent
          FROM free
         WHERE devices.user_id = free.user_id
           AND devices.device_id = free.device_id
        """,
        seen,
    )
