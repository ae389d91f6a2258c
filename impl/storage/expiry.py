"""What has expired is deleted, some rows at a time. Tables: client_transactions,
registration_nonces, access_tokens, refresh_tokens, one_time_keys, received_transactions,
received_device_messages.
"""

from typing import Any

# Table -> the column of its time, which has an index.
TIMES = {
    "client_transactions": "created_ts",
    "registration_nonces": "created_ts",
    "access_tokens": "expires_ts",
    "refresh_tokens": "expires_ts",
    "one_time_keys": "claimed_ts",
    "received_transactions": "received_ts",
    "received_device_messages": "received_ts",
}


def delete(txn: Any, table: str, before_ts: int, limit: int) -> int:
    """The first rows whose time was before, but for what another transaction holds; returns how
    many.
    """
    time = TIMES[table]
    txn.execute(
        f"""
        DELETE FROM {table}
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM {table}
                                 WHERE {time} < %s
                                 ORDER BY {time}
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount
