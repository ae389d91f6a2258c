"""What transaction ids were answered with. Table: client_transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClientTransaction:
    """C-S API, "Transaction identifiers": an id holds for one device and one endpoint with its
    path.
    """

    user_id: str
    device_id: str
    scope: str
    txn_id: str


def get_many(txn: Any, transactions: Sequence[ClientTransaction]) -> dict[ClientTransaction, str]:
    """The event_id that each was answered with, where it was."""
    txn.execute(
        """
        SELECT c.user_id, c.device_id, c.scope, c.txn_id, c.event_id
          FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
               AS wanted (user_id, device_id, scope, txn_id)
          JOIN client_transactions c USING (user_id, device_id, scope, txn_id)
        """,
        (
            [one.user_id for one in transactions],
            [one.device_id for one in transactions],
            [one.scope for one in transactions],
            [one.txn_id for one in transactions],
        ),
    )
    return {ClientTransaction(*row[:4]): row[4] for row in txn.fetchall()}


def insert_if_new(txn: Any, one: ClientTransaction, created_ts: int) -> bool:
    """Take note of a transaction that is answered with nothing; False if it was answered before.
    One that another transaction is answering is waited for.
    """
    txn.execute(
        """
        INSERT INTO client_transactions (user_id, device_id, scope, txn_id, event_id, created_ts)
             VALUES (%s, %s, %s, %s, '', %s)
        ON CONFLICT DO NOTHING
        """,
        (one.user_id, one.device_id, one.scope, one.txn_id, created_ts),
    )
    return txn.rowcount == 1


def insert(txn: Any, rows: Sequence[tuple[ClientTransaction, str]], created_ts: int) -> None:
    txn.values_with_commit(
        """
        INSERT INTO client_transactions (user_id, device_id, scope, txn_id, event_id, created_ts)
             VALUES %s
        """,
        [
            (one.user_id, one.device_id, one.scope, one.txn_id, event_id, created_ts)
            for one, event_id in rows
        ],
    )


def delete_of_device(txn: Any, user_id: str, device_id: str) -> None:
    """What a device of this id was answered with before it was this one. With the COMMIT."""
    txn.with_commit(
        """
        DELETE FROM client_transactions
         WHERE user_id = %s
           AND device_id = %s
        """,
        (user_id, device_id),
    )
