"""(event type, state key) as numbers. Table: state_keys."""

from collections.abc import Collection, Iterable
from typing import Any

KEYS_CACHED_MAX = 500_000

StateKey = tuple[str, str]


class StateKeyCache:
    """Both directions. A key keeps its number for ever, so what is here stays true."""

    def __init__(self) -> None:
        self._nids: dict[StateKey, int] = {}
        self._keys: dict[int, StateKey] = {}

    def get_nids(self, txn: Any, keys: Collection[StateKey]) -> dict[StateKey, int]:
        """The numbers of those keys that have one. One statement, if any is not known here."""
        nids = self._nids
        found = {key: nids[key] for key in keys if key in nids}
        missing = [key for key in keys if key not in found]
        if missing:
            txn.execute(
                """
                SELECT s.state_key_nid, s.event_type, s.state_key
                  FROM unnest(%s::text[], %s::text[]) AS wanted (event_type, state_key)
                  JOIN state_keys s USING (event_type, state_key)
                """,
                ([key[0] for key in missing], [key[1] for key in missing]),
            )
            for nid, event_type, state_key in txn.fetchall():
                found[event_type, state_key] = nid
                self._keep(nid, (event_type, state_key))
        return found

    def intern(self, txn: Any, keys: Collection[StateKey]) -> dict[StateKey, int]:
        """The numbers of all keys; what has none gets one.

        New ones are written in an order, so that two transactions that bring the same do not wait
        for each other in a circle. They are kept in the cache by a later look-up only: this
        transaction may be rolled back."""
        found = self.get_nids(txn, keys)
        missing = sorted(key for key in set(keys) if key not in found)
        if not missing:
            return found
        txn.execute(
            """
            INSERT INTO state_keys (event_type, state_key)
                 SELECT * FROM unnest(%s::text[], %s::text[])
            ON CONFLICT (event_type, state_key) DO NOTHING
              RETURNING state_key_nid, event_type, state_key
            """,
            ([key[0] for key in missing], [key[1] for key in missing]),
        )
        for nid, event_type, state_key in txn.fetchall():
            found[event_type, state_key] = nid
        # Another transaction committed the same key in between: now it can be seen.
        taken = [key for key in missing if key not in found]
        return found | self.get_nids(txn, taken) if taken else found

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

    def _keep(self, nid: int, key: StateKey) -> None:
        if len(self._nids) >= KEYS_CACHED_MAX:
            self._nids.clear()
            self._keys.clear()
        self._nids[key] = nid
        self._keys[nid] = key
