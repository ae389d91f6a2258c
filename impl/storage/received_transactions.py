"""What other servers' transactions were answered with, and which of their messages to devices were
delivered. Tables: received_transactions, received_device_messages.
"""

from typing import Any


def get_answer(txn: Any, origin: str, txn_id: str) -> str | None:
    """The JSON that a transaction was answered with."""
    txn.execute(
        """
        SELECT answer
          FROM received_transactions
         WHERE origin = %s
           AND txn_id = %s
        """,
        (origin, txn_id),
    )
    row = txn.fetchone()
    return row[0] if row else None


def insert_answer(txn: Any, origin: str, txn_id: str, answer: str, received_ts: int) -> bool:
    """Keep an answer; False if the transaction was answered before."""
    txn.execute(
        """
        INSERT INTO received_transactions (origin, txn_id, answer, received_ts)
             VALUES (%s, %s, %s, %s)
        ON CONFLICT DO NOTHING
        """,
        (origin, txn_id, answer, received_ts),
    )
    return txn.rowcount == 1


def insert_message_if_new(txn: Any, origin: str, message_id: str, received_ts: int) -> bool:
    """Take note of a message; False if it came before. One that another transaction is delivering
    is waited for.
    """
    txn.execute(
        """
        INSERT INTO received_device_messages (origin, message_id, received_ts)
             VALUES (%s, %s, %s)
        ON CONFLICT DO NOTHING
        """,
        (origin, message_id, received_ts),
    )
    return txn.rowcount == 1
