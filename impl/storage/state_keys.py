"""(event type, state key) as numbers. Table: state_keys."""

from collections.abc import Collection, Iterable
from typing import Any

from impl.storage.database import Database

KEYS_CACHED_MAX = 500_000

StateKey = tuple[str, str]


class StateKeyCache:
    """Both directions. A key keeps its number for ever, so what is here stays true."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nids: dict[StateKey, int] = {}
        self._keys: dict[int, StateKey] = {}

    def get_nids(self, txn: Any, keys: Collection[StateKey]) -> dict[StateKey, int]:
        """The numbers of those keys that have one. One statement, if any is not known here."""
        nids = self._nids
        found = {key: nids[key] for key in keys if key in nids}
        # What is asked for may be somebody's text; the keys of events hold no NUL.
        missing = [key for key in keys if key not in found and "\0" not in key[0] + key[1]]
        if missing:
            found |= self._read(txn, missing)
        return found

    def intern(self, txn: Any, keys: Collection[StateKey]) -> dict[StateKey, int]:
        """The numbers of all keys; what has none gets one, whatever becomes of the transaction.

        If it were taken back with the transaction, this cache might know it still; and two
        transactions that bring the same keys one by one would wait for each other in a circle."""
        found = self.get_nids(txn, keys)
        missing = sorted(key for key in set(keys) if key not in found)
        if not missing:
            return found
        with self._database.aside() as aside:
            aside.execute(
                """
                INSERT INTO state_keys (event_type, state_key)
                     SELECT * FROM unnest(%s::text[], %s::text[])
                ON CONFLICT (event_type, state_key) DO NOTHING
                """,
                ([key[0] for key in missing], [key[1] for key in missing]),
            )
            return found | self._read(aside, missing)

    def get_keys(self, txn: Any, nids: Iterable[int]) -> dict[int, StateKey]:
        """The keys behind numbers."""
        keys = self._keys
        wanted = list(nids)
        found = {nid: keys[nid] for nid in wanted if nid in keys}
        missing = [nid for nid in wanted if nid not in found]
        if missing:
            txn.execute(
                """
                SELECT state_key_nid, event_type, state_key
                  FROM state_keys
                 WHERE state_key_nid = ANY(%s)
                """,
                (missing,),
            )
            for nid, event_type, state_key in txn.fetchall():
                found[nid] = (event_type, state_key)
                self._keep(nid, (event_type, state_key))
        return found

    def _read(self, txn: Any, keys: Collection[StateKey]) -> dict[StateKey, int]:
        txn.execute(
            """
            SELECT s.state_key_nid, s.event_type, s.state_key
              FROM unnest(%s::text[], %s::text[]) AS wanted (event_type, state_key)
              JOIN state_keys s USING (event_type, state_key)
            """,
            ([key[0] for key in keys], [key[1] for key in keys]),
        )
        found: dict[StateKey, int] = {}
        for nid, event_type, state_key in txn.fetchall():
            found[event_type, state_key] = nid
            self._keep(nid, (event_type, state_key))
        return found

    def _keep(self, nid: int, key: StateKey) -> None:
        if len(self._nids) >= KEYS_CACHED_MAX:
            self._nids.clear()
            self._keys.clear()
        self._nids[key] = nid
        self._keys[nid] = key
