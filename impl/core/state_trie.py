"""A room's state as a persistent map: an immutable radix trie, state key number -> event number.

A key's place is given by the digits of its digest, sixteen of them, four bits each, from the top.
A subtree of at most LEAF_ENTRIES_MAX entries is a leaf; a larger one is an inner node with a child
per digit. So the shape depends on the content and on nothing else: not on the order of changes,
not on what was there and is gone. A change writes the nodes on its path anew and shares all others
with the map that it was made from, and two maps with a common ancestor differ only below nodes
whose numbers differ.

Nodes are stored under numbers by the caller (`Nodes`), which also caches them: they never change.
Each function asks for all nodes of one level at once, so that a map that is nowhere cached costs
as many reads as it is deep.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from impl.core.state_node import FAN_OUT, Inner, Leaf, Node, decode, encode

__all__ = [
    "EMPTY",
    "LEAF_ENTRIES_MAX",
    "Inner",
    "Leaf",
    "Node",
    "Nodes",
    "children",
    "decode",
    "diff",
    "encode",
    "get",
    "get_many",
    "items",
    "parts",
    "set_many",
    "split",
]

# The root of the empty map, which has no node.
EMPTY = 0

LEAF_ENTRIES_MAX = 32

# 2**64 divided by the golden ratio: neighbouring keys land far apart. It is odd, so no two keys
# have the same digest.
_SPREAD = 0x9E3779B97F4A7C15
_DIGEST_MASK = 0xFFFFFFFFFFFFFFFF
_TOP_DIGIT_SHIFT = 60
_DIGIT_BITS = 4
_DIGIT_MASK = FAN_OUT - 1


class Nodes(Protocol):
    """What the caller has: stored nodes, and the place for new ones."""

    def load(self, numbers: Collection[int]) -> Mapping[int, Node]:
        """The nodes of these numbers."""

    def allot(self) -> int:
        """A number that no node has had, above zero."""

    def add(self, number: int, node: Node) -> None:
        """Keep a new node, to be stored with whatever refers to it."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """An inner node without a number yet; its children are there already, or new as well."""

    children: list["int | _New"]
    count: int


_New = Leaf | _Branch

# (digest, key, new value or None)
_Change = tuple[int, int, int | None]

# In a diff, one side of a place: the number of a node, or the entries themselves.
_Side = int | dict[int, int]


def _digest(key: int) -> int:
    return key * _SPREAD & _DIGEST_MASK


def _shift(depth: int) -> int:
    return _TOP_DIGIT_SHIFT - _DIGIT_BITS * depth


def get(nodes: Nodes, root: int, key: int) -> int | None:
    """The value of one key."""
    if root == EMPTY:
        return None
    digest = _digest(key)
    shift = _TOP_DIGIT_SHIFT
    node = nodes.load((root,))[root]
    while isinstance(node, Inner):
        child = node.children[digest >> shift & _DIGIT_MASK]
        if child == EMPTY:
            return None
        node = nodes.load((child,))[child]
        shift -= _DIGIT_BITS
    return _find(node, key)


def get_many(nodes: Nodes, root: int, keys: Iterable[int]) -> dict[int, int]:
    """The values of those keys that have one."""
    found: dict[int, int] = {}
    shift = _TOP_DIGIT_SHIFT
    level = {root: [(_digest(key), key) for key in set(keys)]} if root != EMPTY else {}
    while level:
        loaded = nodes.load(level.keys())
        deeper: dict[int, list[tuple[int, int]]] = {}
        for number, wanted in level.items():
            node = loaded[number]
            if isinstance(node, Inner):
                for digest, key in wanted:
                    child = node.children[digest >> shift & _DIGIT_MASK]
                    if child != EMPTY:
                        deeper.setdefault(child, []).append((digest, key))
                continue
            for _, key in wanted:
                value = _find(node, key)
                if value is not None:
                    found[key] = value
        level = deeper
        shift -= _DIGIT_BITS
    return found


def children(node: Inner, depth: int, keys: Iterable[int] | None) -> set[int]:
    """The nodes below one on the way to some keys, or all: for who loads those of many maps."""
    if keys is None:
        return {child for child in node.children if child != EMPTY}
    shift = _shift(depth)
    found = {node.children[_digest(key) >> shift & _DIGIT_MASK] for key in keys}
    return found - {EMPTY}


def _find(leaf: Leaf, key: int) -> int | None:
    # At most 32 numbers side by side: the built-in search is faster than a bisection.
    try:
        return leaf.values[leaf.keys.index(key)]
    except ValueError:
        return None


def items(nodes: Nodes, root: int) -> Iterator[tuple[int, int]]:
    """All entries, in no order that means anything."""
    return _items_below(nodes, [root] if root != EMPTY else [])


def _items_below(nodes: Nodes, level: list[int]) -> Iterator[tuple[int, int]]:
    while level:
        loaded = nodes.load(level)
        deeper: list[int] = []
        for number in level:
            node = loaded[number]
            if isinstance(node, Inner):
                deeper.extend(child for child in node.children if child != EMPTY)
            else:
                yield from zip(node.keys, node.values, strict=True)
        level = deeper


def split(nodes: Nodes, root: int, keys: Collection[int]) -> tuple[list[int], dict[int, int]]:
    """The map without some keys: numbers of nodes below which none of them is, and what else there
    is.
    """
    whole: list[int] = []
    rest: dict[int, int] = {}
    shift = _TOP_DIGIT_SHIFT
    level = {root: [(_digest(key), key) for key in set(keys)]} if root != EMPTY else {}
    while level:
        loaded = nodes.load([number for number, below in level.items() if below])
        deeper: dict[int, list[tuple[int, int]]] = {}
        for number, below in level.items():
            if not below:
                whole.append(number)
                continue
            node = loaded[number]
            if isinstance(node, Inner):
                by_digit: dict[int, list[tuple[int, int]]] = {}
                for digest, key in below:
                    by_digit.setdefault(digest >> shift & _DIGIT_MASK, []).append((digest, key))
                for digit, child in enumerate(node.children):
                    if child != EMPTY:
                        deeper[child] = by_digit.get(digit, [])
                continue
            left_out = {key for _, key in below}
            for key, value in zip(node.keys, node.values, strict=True):
                if key not in left_out:
                    rest[key] = value
        level = deeper
        shift -= _DIGIT_BITS
    return whole, rest


def set_many(nodes: Nodes, root: int, changes: Mapping[int, int | None]) -> int:
    """The root of the map with some keys set, or deleted where the value is None.

    It is the old root, and nothing is written, if the map has all this already.
    """
    hashed = [(_digest(key), key, value) for key, value in changes.items()]
    if not hashed:
        return root
    old = _load_paths(nodes, root, hashed)
    return _write(nodes, _apply(nodes, old, root, 0, hashed))


def parts(changes: Mapping[int, int | None]) -> list[dict[int, int | None]]:
    """Many changes as a few, each of another part of the map: to be set one after the other they
    cost hardly more than at once.
    """
    found: dict[int, dict[int, int | None]] = {}
    for key, value in changes.items():
        found.setdefault(_digest(key) >> _TOP_DIGIT_SHIFT, {})[key] = value
    return list(found.values())


def _load_paths(nodes: Nodes, root: int, changes: list[_Change]) -> dict[int, Node]:
    """Every node on the way to a key that is to change."""
    paths: dict[int, Node] = {}
    level = {root: changes} if root != EMPTY else {}
    depth = 0
    while level:
        loaded = nodes.load(level.keys())
        deeper: dict[int, list[_Change]] = {}
        for number, below in level.items():
            node = paths[number] = loaded[number]
            if isinstance(node, Inner):
                for digit, part in _split(below, depth).items():
                    if node.children[digit] != EMPTY:
                        deeper[node.children[digit]] = part
        level = deeper
        depth += 1
    return paths


def _split(changes: list[_Change], depth: int) -> dict[int, list[_Change]]:
    shift = _shift(depth)
    parts: dict[int, list[_Change]] = {}
    for change in changes:
        parts.setdefault(change[0] >> shift & _DIGIT_MASK, []).append(change)
    return parts


def _apply(
    nodes: Nodes, old: Mapping[int, Node], number: int, depth: int, changes: list[_Change]
) -> "int | _New":
    """What stands in a node's place after the changes: the same number, a new node, or EMPTY."""
    node = old[number] if number != EMPTY else None
    if not isinstance(node, Inner):
        before = dict(zip(node.keys, node.values, strict=True)) if node else {}
        after = dict(before)
        for _, key, value in changes:
            if value is None:
                after.pop(key, None)
            else:
                after[key] = value
        return number if after == before else _build(after, depth)

    count = node.count
    children: list[int | _New] = list(node.children)
    is_changed = False
    for digit, part in _split(changes, depth).items():
        child = node.children[digit]
        replaced = _apply(nodes, old, child, depth + 1, part)
        if replaced != child:
            is_changed = True
            children[digit] = replaced
            count += _count(old, replaced) - _count(old, child)
    if not is_changed:
        return number
    branch = _Branch(children, count)
    return branch if count > LEAF_ENTRIES_MAX else _build(_gather(nodes, branch), depth)


def _count(old: Mapping[int, Node], place: "int | _New") -> int:
    if isinstance(place, int):
        return old[place].count if place != EMPTY else 0
    return place.count


def _build(entries: Mapping[int, int], depth: int) -> "int | _New":
    """The subtree that holds exactly these entries."""
    if not entries:
        return EMPTY
    if len(entries) <= LEAF_ENTRIES_MAX:
        keys = sorted(entries)
        return Leaf(array("q", keys), array("q", [entries[key] for key in keys]))
    children: list[int | _New] = [EMPTY] * FAN_OUT
    for digit, part in _split_entries(entries, depth).items():
        children[digit] = _build(part, depth + 1)
    return _Branch(children, len(entries))


def _split_entries(entries: Mapping[int, int], depth: int) -> dict[int, dict[int, int]]:
    shift = _shift(depth)
    parts: dict[int, dict[int, int]] = {}
    for key, value in entries.items():
        parts.setdefault(_digest(key) >> shift & _DIGIT_MASK, {})[key] = value
    return parts


def _gather(nodes: Nodes, place: _New) -> dict[int, int]:
    """All entries below a node that is not numbered yet."""
    entries: dict[int, int] = {}
    numbers: list[int] = []
    waiting: list[int | _New] = [place]
    while waiting:
        one = waiting.pop()
        if isinstance(one, _Branch):
            waiting.extend(one.children)
        elif isinstance(one, Leaf):
            entries.update(zip(one.keys, one.values, strict=True))
        elif one != EMPTY:
            numbers.append(one)
    entries.update(_items_below(nodes, numbers))
    return entries


def _write(nodes: Nodes, place: "int | _New") -> int:
    """Number what is new, children before their parents."""
    if isinstance(place, int):
        return place
    node: Node
    if isinstance(place, Leaf):
        node = place
    else:
        node = Inner(array("q", [_write(nodes, child) for child in place.children]), place.count)
    number = nodes.allot()
    nodes.add(number, node)
    return number


def diff(nodes: Nodes, old_root: int, new_root: int) -> dict[int, tuple[int | None, int | None]]:
    """The keys whose values differ, with the old and the new; None where there is none."""
    changed: dict[int, tuple[int | None, int | None]] = {}
    depth = 0
    level: list[tuple[_Side, _Side]] = [(old_root, new_root)]
    while level:
        numbers = {
            side
            for old, new in level
            if old != new
            for side in (old, new)
            if isinstance(side, int) and side != EMPTY
        }
        loaded = nodes.load(numbers) if numbers else {}
        deeper: list[tuple[_Side, _Side]] = []
        for old, new in level:
            if old == new:
                continue
            old_opened, new_opened = _open(loaded, old), _open(loaded, new)
            if isinstance(old_opened, dict) and isinstance(new_opened, dict):
                _compare(old_opened, new_opened, changed)
            else:
                deeper.extend(
                    zip(_sides(old_opened, depth), _sides(new_opened, depth), strict=True)
                )
        level = deeper
        depth += 1
    return changed


def _open(loaded: Mapping[int, Node], side: _Side) -> Inner | dict[int, int]:
    if not isinstance(side, int):
        return side
    if side == EMPTY:
        return {}
    node = loaded[side]
    return node if isinstance(node, Inner) else dict(zip(node.keys, node.values, strict=True))


def _sides(opened: Inner | dict[int, int], depth: int) -> list[_Side]:
    """What is below each digit."""
    if isinstance(opened, Inner):
        return list(opened.children)
    parts = _split_entries(opened, depth)
    return [parts.get(digit, EMPTY) for digit in range(FAN_OUT)]


def _compare(
    old: dict[int, int], new: dict[int, int], changed: dict[int, tuple[int | None, int | None]]
) -> None:
    for key, value in old.items():
        other = new.get(key)
        if other != value:
            changed[key] = (value, other)
    for key, value in new.items():
        if key not in old:
            changed[key] = (None, value)
