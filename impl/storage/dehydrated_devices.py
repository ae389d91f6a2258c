"""The device of a user that is dehydrated: at most one. Table: dehydrated_devices.

It is one of the user's devices, and goes with it."""

from typing import Any, NamedTuple


class Dehydrated(NamedTuple):
    """`device_data` is JSON."""

    device_id: str
    device_data: str


def get(txn: Any, user_id: str) -> Dehydrated | None:
    txn.execute(
        """
        SELECT device_id, device_data
          FROM dehydrated_devices
         WHERE user_id = %s
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return Dehydrated(*row) if row else None


def insert(txn: Any, user_id: str, device_id: str, device_data: str) -> None:
    """The device is there; the user has no other that is dehydrated."""
    txn.execute(
        """
        INSERT INTO dehydrated_devices (user_id, device_id, device_data)
             VALUES (%s, %s, %s)
        """,
        (user_id, device_id, device_data),
    )
