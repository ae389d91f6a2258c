"""How many messages administrators allow single users. Table: rate_limit_overrides."""

from typing import Any

from impl.core.rate_limit import Allowance


def get(txn: Any, user_id: str) -> Allowance | None:
    txn.execute(
        """
        SELECT messages_per_second, burst_count
          FROM rate_limit_overrides
         WHERE user_id = %s
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return Allowance(*row) if row else None


def put(txn: Any, user_id: str, allowance: Allowance | None) -> None:
    """None: what everybody has."""
    if allowance is None:
        txn.execute("DELETE FROM rate_limit_overrides WHERE user_id = %s", (user_id,))
        return
    txn.execute(
        """
        INSERT INTO rate_limit_overrides (user_id, messages_per_second, burst_count)
             VALUES (%s, %s, %s)
        ON CONFLICT (user_id) DO UPDATE
                SET messages_per_second = EXCLUDED.messages_per_second,
                    burst_count = EXCLUDED.burst_count
        """,
        (user_id, allowance.per_second, allowance.burst_count),
    )
