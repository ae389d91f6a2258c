"""Other servers' keys, as far as this server knows them: in the worker's memory, which holds those
that are used, and in the database, which all workers share."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import msgspec

from impl.app import App
from impl.core.server_keys import KeyDocument
from impl.storage import server_keys as storage
from impl.storage.server_keys import KeyName, NewDocument, StoredKey

KEYS_CACHED_MAX = 20_000

# Until when each key has to be valid.
Needs = Mapping[KeyName, int]


class KnownKeys:
    """This worker's memory of keys, and its way to the database."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._keys: OrderedDict[KeyName, StoredKey] = OrderedDict()

    def get(self, name: KeyName) -> StoredKey | None:
        """What is in memory."""
        key = self._keys.get(name)
        if key is not None:
            self._keys.move_to_end(name)
        return key

    def unmet(self, needs: Needs) -> dict[KeyName, int]:
        """Those of the needs that what is in memory does not meet."""
        return {
            name: until_ts
            for name, until_ts in needs.items()
            if (key := self._keys.get(name)) is None or key.valid_until_ts < until_ts
        }

    def load(self, names: Iterable[KeyName]) -> None:
        """Read keys from the database into memory."""
        with self._app.database.read() as txn:
            self._remember(storage.list_keys(txn, names))

    def keep(self, documents: Iterable[KeyDocument], *, is_first_hand: bool) -> None:
        """Store what was told, and remember what holds now: not all that others tell counts.

        Of documents of one server, the one that holds for longer counts more."""
        by_server: dict[str, list[KeyDocument]] = {}
        for document in documents:
            by_server.setdefault(document.server_name, []).append(document)
        if not by_server:
            return
        for of_server in by_server.values():
            of_server.sort(key=lambda one: one.valid_until_ts)
        now_ms = self._app.now_ms()
        with self._app.database.transaction() as txn:
            for turn in zip_longest(*by_server.values()):
                rows = [_row(one) for one in turn if one is not None]
                storage.put(txn, rows, now_ms, is_first_hand=is_first_hand)
            found = storage.list_of_servers(txn, by_server)
        self._remember(found)

    def _remember(self, found: Mapping[KeyName, StoredKey]) -> None:
        for name, key in found.items():
            self._keys[name] = key
            self._keys.move_to_end(name)
        while len(self._keys) > KEYS_CACHED_MAX:
            self._keys.popitem(last=False)


def _row(document: KeyDocument) -> NewDocument:
    keys: Sequence[tuple[str, bytes, int, bool]] = [
        (key_id, key.verify_key, key.valid_until_ts, key.is_old)
        for key_id, key in document.keys.items()
    ]
    return NewDocument(
        document.server_name,
        msgspec.json.encode(document.value).decode(),
        document.valid_until_ts,
        document.good_until_ts,
        keys,
    )
