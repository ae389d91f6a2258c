"""What has expired is deleted, some rows at a time. Tables: client_transactions,
registration_nonces, access_tokens, refresh_tokens.

Each statement finds its rows by an index on their time, and leaves alone what another transaction
holds."""

from typing import Any


def delete_client_transactions(txn: Any, before_ts: int, limit: int) -> int:
    """Those that were answered before; returns how many."""
    txn.execute(
        """
        DELETE FROM client_transactions
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM client_transactions
                                 WHERE created_ts < %s
                                 ORDER BY created_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount


def delete_nonces(txn: Any, before_ts: int, limit: int) -> int:
    """Nonces of registration that were given out before."""
    txn.execute(
        """
        DELETE FROM registration_nonces
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM registration_nonces
                                 WHERE created_ts < %s
                                 ORDER BY created_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount


def delete_access_tokens(txn: Any, before_ts: int, limit: int) -> int:
    """Access tokens that expired before."""
    txn.execute(
        """
        DELETE FROM access_tokens
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM access_tokens
                                 WHERE expires_ts < %s
                                 ORDER BY expires_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount


def delete_refresh_tokens(txn: Any, before_ts: int, limit: int) -> int:
    """Refresh tokens that expired before."""
    txn.execute(
        """
        DELETE FROM refresh_tokens
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM refresh_tokens
                                 WHERE expires_ts < %s
                                 ORDER BY expires_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount
