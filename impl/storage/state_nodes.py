"""The nodes of the states' tries. Table: state_nodes. What a trie is: core/state_trie.py.

A node never changes and its number is never used again, so this worker's cache of nodes cannot go
stale. A node of a transaction that was rolled back may stay in the cache; nothing refers to it."""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Any

from impl import breath
from impl.core.state_trie import EMPTY, Inner, Node, children, decode, encode
from impl.storage.numbers import Numbers

NODES_CACHED_MAX = 200_000
# After so many that were written others have their turn.
BREATH_NODES = 100


class NodeCache:
    """Nodes that this worker read or wrote last, by number."""

    def __init__(self, size: int = NODES_CACHED_MAX) -> None:
        self._size = size
        self._nodes: OrderedDict[int, Node] = OrderedDict()

    def get(self, number: int) -> Node | None:
        return self._nodes.get(number)

    def keep(self, number: int, node: Node) -> None:
        self._nodes[number] = node
        if len(self._nodes) > self._size:
            self._nodes.popitem(last=False)


class RoomNodes:
    """A room's nodes as core.state_trie wants them: read through the cache, new ones collected
    until `insert`.
    """

    def __init__(
        self, txn: Any, cache: NodeCache, room_nid: int, numbers: Numbers | None = None
    ) -> None:
        self._txn = txn
        self._cache = cache
        self._room_nid = room_nid
        self._numbers = numbers
        self._new: dict[int, Node] = {}

    def load(self, numbers: Collection[int]) -> dict[int, Node]:
        found: dict[int, Node] = {}
        missing: list[int] = []
        for number in numbers:
            node = self._cache.get(number)
            if node is None:
                node = self._new.get(number)
            if node is None:
                missing.append(number)
            else:
                found[number] = node
        if missing:
            self._txn.execute(
                """
                SELECT node_nid, content
                  FROM state_nodes
                 WHERE room_nid = %s
                   AND node_nid = ANY(%s)
                """,
                (self._room_nid, missing),
            )
            for number, content in self._txn.fetchall():
                node = found[number] = decode(bytes(content))
                self._cache.keep(number, node)
        return found

    def allot(self) -> int:
        if self._numbers is None:
            raise RuntimeError("these nodes are for reading")
        self._numbers.reserve(self._txn, 1)
        return self._numbers.take()

    def add(self, number: int, node: Node) -> None:
        self._new[number] = node

    def mark(self) -> int:
        """Where the new nodes end now, for `cut`."""
        return len(self._new)

    def cut(self, mark: int) -> None:
        """Drop the new nodes since a mark."""
        for number in list(self._new)[mark:]:
            del self._new[number]

    def insert(self) -> None:
        """Write the new nodes with the COMMIT."""
        self._txn.values_with_commit(
            """
            INSERT INTO state_nodes (room_nid, node_nid, content)
                 VALUES %s
            """,
            [
                (self._room_nid, number, encode(node))
                for number, node in breath.between(self._new.items(), BREATH_NODES)
            ],
        )
        for number, node in self._new.items():
            self._cache.keep(number, node)


def preload_paths(
    txn: Any, cache: NodeCache, wanted: Iterable[tuple[int, int, Collection[int] | None]]
) -> set[int]:
    """Read into the cache what lies between roots and keys, (room_nid, root, keys), or all that is
    below a root, where the keys are None: one statement for each level of all these tries. Returns
    the keys of the leaves that were read.
    """
    read: set[int] = set()
    level: dict[tuple[int, int], set[int] | None] = {}
    for room_nid, root, keys in wanted:
        if root != EMPTY:
            _want(level, (room_nid, root), keys)
    depth = 0
    while level:
        loaded = _load(txn, cache, level)
        deeper: dict[tuple[int, int], set[int] | None] = {}
        for (room_nid, number), keys in level.items():
            # It may have been pushed out of the cache by the others.
            node = loaded.get(number) or cache.get(number)
            if isinstance(node, Inner):
                for child in children(node, depth, keys):
                    _want(deeper, (room_nid, child), keys)
            elif number in loaded and node is not None:
                read.update(node.keys)
        level = deeper
        depth += 1
    return read


def _want(
    level: dict[tuple[int, int], set[int] | None],
    place: tuple[int, int],
    keys: Collection[int] | None,
) -> None:
    known = level.get(place, set())
    level[place] = None if keys is None or known is None else known.union(keys)


def _load(txn: Any, cache: NodeCache, keys: Iterable[tuple[int, int]]) -> dict[int, Node]:
    missing = [key for key in keys if key[1] and cache.get(key[1]) is None]
    if not missing:
        return {}
    txn.execute(
        """
        SELECT node_nid, content
          FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (room_nid, node_nid)
          JOIN state_nodes USING (room_nid, node_nid)
        """,
        ([key[0] for key in missing], [key[1] for key in missing]),
    )
    loaded = {number: decode(bytes(content)) for number, content in txn.fetchall()}
    for number, node in loaded.items():
        cache.keep(number, node)
    return loaded
