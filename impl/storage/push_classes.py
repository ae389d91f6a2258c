"""Classes of members by number (core/push_classes.py). Table: push_classes."""

from collections.abc import Collection
from typing import Any

from impl.storage.database import Database

CLASSES_CACHED_MAX = 100_000


class ClassCache:
    """Definitions and their numbers, which they keep for ever. The default class is 0."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nids: dict[str, int] = {"": 0}

    def intern(self, txn: Any, definitions: Collection[str]) -> dict[str, int]:
        """The numbers of classes; what has none gets one, whatever becomes of the transaction."""
        found = {one: self._nids[one] for one in definitions if one in self._nids}
        missing = {one for one in definitions if one not in found}
        if not missing:
            return found
        read = _get(txn, missing)
        if len(read) < len(missing):
            read |= self._insert(sorted(missing - read.keys()))
        if len(self._nids) >= CLASSES_CACHED_MAX:
            self._nids = {"": 0}
        self._nids |= read
        return found | read

    def _insert(self, definitions: Collection[str]) -> dict[str, int]:
        with self._database.aside() as txn:
            _insert(txn, definitions)
            return _get(txn, definitions)


def _insert(txn: Any, definitions: Collection[str]) -> None:
    txn.execute(
        """
        INSERT INTO push_classes (definition)
             SELECT * FROM unnest(%s::text[])
        ON CONFLICT (definition) DO NOTHING
        """,
        (list(definitions),),
    )


def _get(txn: Any, definitions: Collection[str]) -> dict[str, int]:
    txn.execute(
        """
        SELECT definition, class_nid
          FROM push_classes
         WHERE definition = ANY(%s)
        """,
        (list(definitions),),
    )
    return dict(txn.fetchall())
