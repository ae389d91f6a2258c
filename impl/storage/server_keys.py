"""Other servers' signing keys, and the documents in which they were told. Tables: server_keys,
server_key_documents."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

# (server_name, key_id)
KeyName = tuple[str, str]

# A server that names new keys with each answer has no more of them here.
KEYS_OF_SERVER_MAX = 200


class StoredKey(NamedTuple):
    """A key as far as it is known."""

    verify_key: bytes
    valid_until_ts: int
    is_old: bool
    fetched_ts: int


class NewDocument(NamedTuple):
    """A document that was fetched: its JSON, and (key_id, verify_key, valid_until_ts, is_old) of
    each key in it. `good_until_ts` is how far one may rely on it.
    """

    server_name: str
    document: str
    valid_until_ts: int
    good_until_ts: int
    keys: Sequence[tuple[str, bytes, int, bool]]


class StoredDocument(NamedTuple):
    """A document that somebody may be shown."""

    server_name: str
    document: str
    valid_until_ts: int
    fetched_ts: int


def list_keys(txn: Any, names: Iterable[KeyName]) -> dict[KeyName, StoredKey]:
    """Those of the keys that are known."""
    wanted = list(names)
    txn.execute(
        """
        SELECT k.server_name,
               k.key_id,
               k.verify_key,
               k.valid_until_ts,
               k.is_old,
               k.fetched_ts
          FROM unnest(%s::text[], %s::text[]) AS wanted (server_name, key_id)
          JOIN server_keys k USING (server_name, key_id)
        """,
        ([name[0] for name in wanted], [name[1] for name in wanted]),
    )
    return _by_name(txn.fetchall())


def list_of_servers(txn: Any, server_names: Iterable[str]) -> dict[KeyName, StoredKey]:
    """All keys of some servers."""
    txn.execute(
        """
        SELECT server_name,
               key_id,
               verify_key,
               valid_until_ts,
               is_old,
               fetched_ts
          FROM server_keys
         WHERE server_name = ANY(%s)
        """,
        (list(server_names),),
    )
    return _by_name(txn.fetchall())


def list_documents(
    txn: Any, server_names: Iterable[str], limit_of_server: int
) -> list[StoredDocument]:
    """Of each server the newest documents, the newest first."""
    txn.execute(
        """
        SELECT d.server_name,
               d.document,
               d.valid_until_ts,
               d.fetched_ts
          FROM unnest(%s::text[]) AS wanted (server_name)
         CROSS JOIN LATERAL (
               SELECT *
                 FROM server_key_documents
                WHERE server_name = wanted.server_name
                ORDER BY fetched_ts DESC, document_nid DESC
                LIMIT %s) AS d
        """,
        (list(server_names), limit_of_server),
    )
    return [StoredDocument(*row) for row in txn.fetchall()]


def list_unused(txn: Any, before_ts: int, after: str, limit: int) -> list[str]:
    """Servers whose keys were all fetched before a time, in the order of their names."""
    txn.execute(
        """
        SELECT server_name
          FROM server_keys
         WHERE server_name > %s
         GROUP BY server_name
        HAVING max(fetched_ts) < %s
         ORDER BY server_name
         LIMIT %s
        """,
        (after, before_ts, limit),
    )
    return [row[0] for row in txn.fetchall()]


def delete_unneeded(txn: Any, server_names: Sequence[str], before_ts: int) -> int:
    """The keys of those of some servers of which nobody is or was in a room, and which were not
    fetched since; returns how many keys.
    """
    txn.execute(
        """
        DELETE FROM server_keys k
         WHERE k.server_name = ANY(%(names)s)
           AND k.fetched_ts < %(before_ts)s
           AND NOT EXISTS (SELECT
                             FROM room_servers s
                            WHERE s.server_name = k.server_name)
           AND k.server_name NOT IN (SELECT substr(m.user_id, strpos(m.user_id, ':') + 1)
                                       FROM room_members m
                                      WHERE substr(m.user_id, strpos(m.user_id, ':') + 1)
                                            = ANY(%(names)s))
        """,
        {"names": list(server_names), "before_ts": before_ts},
    )
    number = int(txn.rowcount)
    _delete_documents_without_keys(txn, list(server_names))
    return number


def put(
    txn: Any, documents: Sequence[NewDocument], fetched_ts: int, *, is_first_hand: bool
) -> None:
    """Keep what was fetched: one document a server.

    What a server says itself counts. What others say of it counts where it is not older than what
    is known, and never gives a key that the server told us itself another value."""
    # In one order, so that two that keep the same servers do not wait for each other.
    documents = sorted(documents)
    txn.execute_values(
        """
        INSERT INTO server_key_documents (server_name, document, valid_until_ts, fetched_ts)
             VALUES %s
          RETURNING server_name, document_nid
        """,
        [(one.server_name, one.document, one.valid_until_ts, fetched_ts) for one in documents],
    )
    document_nids = dict(txn.fetchall())
    txn.execute_values(
        """
        INSERT INTO server_keys (server_name, key_id, verify_key, valid_until_ts, is_old,
                                 is_first_hand, document_nid, document_valid_until_ts, fetched_ts)
             VALUES %s
        ON CONFLICT (server_name, key_id) DO UPDATE
                SET verify_key = EXCLUDED.verify_key,
                    valid_until_ts = EXCLUDED.valid_until_ts,
                    is_old = EXCLUDED.is_old,
                    is_first_hand = EXCLUDED.is_first_hand OR server_keys.is_first_hand,
                    document_nid = EXCLUDED.document_nid,
                    document_valid_until_ts = EXCLUDED.document_valid_until_ts,
                    fetched_ts = EXCLUDED.fetched_ts
              WHERE EXCLUDED.is_first_hand
                 OR (EXCLUDED.document_valid_until_ts >= server_keys.document_valid_until_ts
                     AND (NOT server_keys.is_first_hand
                          OR EXCLUDED.verify_key = server_keys.verify_key))
        """,
        [
            (
                one.server_name,
                *key,
                is_first_hand,
                document_nids[one.server_name],
                one.good_until_ts,
                fetched_ts,
            )
            for one in documents
            for key in sorted(one.keys)
        ],
    )
    _delete_surplus(txn, list(document_nids))


def _delete_surplus(txn: Any, server_names: list[str]) -> None:
    txn.execute(
        """
        DELETE FROM server_keys k
         USING (SELECT server_name,
                       key_id,
                       row_number() OVER (PARTITION BY server_name
                                              ORDER BY fetched_ts DESC, key_id) AS place
                  FROM server_keys
                 WHERE server_name = ANY(%s)) AS aged
         WHERE aged.place > %s
           AND k.server_name = aged.server_name
           AND k.key_id = aged.key_id
        """,
        (server_names, KEYS_OF_SERVER_MAX),
    )
    _delete_documents_without_keys(txn, server_names)


def _delete_documents_without_keys(txn: Any, server_names: list[str]) -> None:
    txn.execute(
        """
        DELETE FROM server_key_documents d
         WHERE d.server_name = ANY(%s)
           AND NOT EXISTS (SELECT
                             FROM server_keys k
                            WHERE k.server_name = d.server_name
                              AND k.document_nid = d.document_nid)
        """,
        (server_names,),
    )


def _by_name(rows: Iterable[Any]) -> dict[KeyName, StoredKey]:
    return {(row[0], row[1]): StoredKey(bytes(row[2]), *row[3:]) for row in rows}
