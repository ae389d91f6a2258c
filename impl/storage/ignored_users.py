"""Who ignores whom: the lists of m.ignored_user_list. Table: ignored_users."""

from collections.abc import Collection
from typing import Any


def put(txn: Any, user_id: str, ignored: Collection[str]) -> None:
    """The whole list of a user, with the COMMIT, where writers of the stream take turns."""
    txn.allot(
        """
        DELETE FROM ignored_users
         WHERE user_id = %s
        """,
        (user_id,),
    )
    if ignored:
        txn.allot(
            """
            INSERT INTO ignored_users (ignored_user_id, user_id)
                 SELECT ignored_user_id, %s
                   FROM unnest(%s::text[]) AS i (ignored_user_id)
            """,
            (user_id, sorted(ignored)),
        )


def list_some(txn: Any, limit: int) -> list[tuple[str, str]]:
    """(who is ignored, by whom); all of it, if it is less than the limit."""
    txn.execute(
        """
        SELECT ignored_user_id, user_id
          FROM ignored_users
         LIMIT %s
        """,
        (limit,),
    )
    return txn.fetchall()


def list_ignorers(txn: Any, user_id: str) -> list[tuple[str, str]]:
    """(who is ignored, by whom) of one who is ignored."""
    txn.execute(
        """
        SELECT ignored_user_id, user_id
          FROM ignored_users
         WHERE ignored_user_id = %s
        """,
        (user_id,),
    )
    return txn.fetchall()


def delete(txn: Any, user_id: str) -> None:
    """The list of a user who is gone."""
    txn.execute(
        """
        DELETE FROM ignored_users
         WHERE user_id = %s
        """,
        (user_id,),
    )
