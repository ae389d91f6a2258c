"""Read into the cache what tells two states of each of several rooms apart. Table: state_nodes."""

from collections.abc import Mapping
from typing import Any

from impl.core.state_trie import EMPTY, Inner, Node, decode
from impl.storage.state_nodes import NodeCache


def preload(txn: Any, cache: NodeCache, wanted: Mapping[int, tuple[int, int]]) -> None:
    """room_nid -> two roots: one statement for each level of all these tries."""
    level = [(room_nid, old, new) for room_nid, (old, new) in wanted.items()]
    while level:
        loaded = _load(txn, cache, level)
        deeper: list[tuple[int, int, int]] = []
        for room_nid, old, new in level:
            sides = [_children(loaded, old), _children(loaded, new)]
            if any(sides):
                empty = [EMPTY] * len(sides[0] or sides[1])
                pairs = zip(sides[0] or empty, sides[1] or empty, strict=True)
                deeper += [(room_nid, *pair) for pair in pairs if pair[0] != pair[1]]
        level = deeper


def _children(loaded: Mapping[int, Node], number: int) -> list[int]:
    node = loaded.get(number)
    return list(node.children) if isinstance(node, Inner) else []


def _load(txn: Any, cache: NodeCache, level: list[tuple[int, int, int]]) -> dict[int, Node]:
    rooms = {side: one[0] for one in level for side in one[1:] if side != EMPTY}
    found = {number: node for number in rooms if (node := cache.get(number)) is not None}
    missing = [number for number in rooms if number not in found]
    if missing:
        txn.execute(
            """
            SELECT node_nid, content
              FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (room_nid, node_nid)
              JOIN state_nodes USING (room_nid, node_nid)
            """,
            ([rooms[number] for number in missing], missing),
        )
        for number, content in txn.fetchall():
            found[number] = decode(bytes(content))
            cache.keep(number, found[number])
    return found
