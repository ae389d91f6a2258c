"""Devices. Table: devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    device_id: str
    display_name: str | None
    last_seen_ts: int | None
    last_seen_ip: str | None


def get(txn: Any, user_id: str, device_id: str) -> Device | None:
    txn.execute(
        """
        SELECT device_id, display_name, last_seen_ts, last_seen_ip
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
        """
        SELECT device_id, display_name, last_seen_ts, last_seen_ip
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


def delete(txn: Any, user_id: str, device_ids: Sequence[str]) -> None:
    """With their tokens."""
    txn.execute(
        """
        DELETE FROM devices
         WHERE user_id = %s
           AND device_id = ANY(%s)
        """,
        (user_id, list(device_ids)),
    )


def delete_all(txn: Any, user_id: str) -> None:
    """With their tokens."""
    txn.execute(
        """
        DELETE FROM devices
         WHERE user_id = %s
        """,
        (user_id,),
    )
