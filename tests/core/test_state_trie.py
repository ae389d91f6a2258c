"""State as a persistent map: equal to a dict, of one shape, and cheap to change."""

from collections.abc import Collection, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import state_trie
from impl.core.state_node import FAN_OUT
from impl.core.state_trie import EMPTY, LEAF_ENTRIES_MAX, Inner, Leaf, Node

KEY_MAX = 2**63 - 1


class Stored:
    """Nodes as their bytes, and a count of what was asked and written."""

    def __init__(self) -> None:
        self.contents: dict[int, bytes] = {}
        self.loads: list[set[int]] = []

    def load(self, numbers: Collection[int]) -> Mapping[int, Node]:
        self.loads.append(set(numbers))
        return {number: state_trie.decode(self.contents[number]) for number in numbers}

    def allot(self) -> int:
        return len(self.contents) + 1

    def add(self, number: int, node: Node) -> None:
        assert number not in self.contents
        self.contents[number] = state_trie.encode(node)

    def depth(self, root: int) -> int:
        node = self.load([root])[root]
        if isinstance(node, Leaf):
            return 1
        return 1 + max(self.depth(child) for child in node.children if child)

    def shape(self, root: int) -> object:
        """The trie without its nodes' numbers."""
        if root == EMPTY:
            return None
        node = self.load([root])[root]
        if isinstance(node, Inner):
            return node.count, [self.shape(child) for child in node.children]
        return bytes(self.contents[root])

    def reachable(self, root: int) -> set[int]:
        if root == EMPTY:
            return set()
        node = self.load([root])[root]
        children = node.children if isinstance(node, Inner) else ()
        return {root}.union(*(self.reachable(child) for child in children))


# Few small keys, so that they meet; and any.
keys = st.one_of(st.integers(1, 300), st.integers(1, KEY_MAX))
values = st.integers(0, KEY_MAX)
batches = st.lists(
    st.dictionaries(keys, st.one_of(st.none(), values), max_size=120), min_size=1, max_size=6
)


def changed(content: dict[int, int], batch: dict[int, int | None]) -> dict[int, int]:
    merged = {**content, **batch}
    return {key: value for key, value in merged.items() if value is not None}


@given(batches)
def test_it_is_equal_to_a_dict_after_every_change(some_batches):
    nodes, root, content = Stored(), EMPTY, {}
    for batch in some_batches:
        root = state_trie.set_many(nodes, root, batch)
        content = changed(content, batch)

        assert dict(state_trie.items(nodes, root)) == content
        assert len(list(state_trie.items(nodes, root))) == len(content)
        assert state_trie.get_many(nodes, root, [*batch, 7]) == {
            key: content[key] for key in {*batch, 7} if key in content
        }
        for key in [*batch][:10]:
            assert state_trie.get(nodes, root, key) == content.get(key)


@given(batches)
def test_the_shape_depends_on_the_content_only(some_batches):
    nodes, root, content = Stored(), EMPTY, {}
    for batch in some_batches:
        root = state_trie.set_many(nodes, root, batch)
        content = changed(content, batch)

    at_once = state_trie.set_many(nodes, EMPTY, content)
    one_by_one = EMPTY
    for key, value in sorted(content.items(), reverse=True):
        one_by_one = state_trie.set_many(nodes, one_by_one, {key: value})

    assert nodes.shape(root) == nodes.shape(at_once) == nodes.shape(one_by_one)


@given(batches, batches)
def test_a_diff_is_the_difference_of_the_dicts(some_batches, other_batches):
    nodes, root, content = Stored(), EMPTY, {}
    states = [(root, content)]
    for batch in some_batches:
        root = state_trie.set_many(nodes, root, batch)
        content = changed(content, batch)
        states.append((root, content))
    root, content = states[len(states) // 2]
    for batch in other_batches:
        root = state_trie.set_many(nodes, root, batch)
        content = changed(content, batch)
        states.append((root, content))

    for old_root, old in states[-3:]:
        for new_root, new in states[:3]:
            assert state_trie.diff(nodes, old_root, new_root) == {
                key: (old.get(key), new.get(key))
                for key in old.keys() | new.keys()
                if old.get(key) != new.get(key)
            }


@given(batches)
def test_only_nodes_that_are_part_of_the_new_map_are_written(some_batches):
    nodes, root = Stored(), EMPTY
    for batch in some_batches:
        before = set(nodes.contents)
        root = state_trie.set_many(nodes, root, batch)
        assert set(nodes.contents) - before <= nodes.reachable(root)


@given(batches)
def test_what_changes_nothing_writes_nothing(some_batches):
    nodes, root, content = Stored(), EMPTY, {}
    for batch in some_batches:
        root = state_trie.set_many(nodes, root, batch)
        content = changed(content, batch)
    before = dict(nodes.contents)

    assert state_trie.set_many(nodes, root, {}) == root
    assert state_trie.set_many(nodes, root, content) == root
    absent = next(key for key in range(1, 1_000) if key not in content)
    assert state_trie.set_many(nodes, root, {absent: None}) == root
    assert nodes.contents == before


@given(st.dictionaries(keys, values, min_size=1, max_size=40))
def test_a_node_is_what_its_bytes_say(content):
    nodes = Stored()
    root = state_trie.set_many(nodes, EMPTY, content)
    for number, stored in nodes.contents.items():
        assert state_trie.encode(nodes.load([number])[number]) == stored
    assert root in nodes.contents


def a_large_room(members: int) -> tuple[Stored, int]:
    nodes = Stored()
    # Keys and events of the room lie among those of all others.
    root = state_trie.set_many(
        nodes, EMPTY, {500_000 + 7 * n: 40_000_000 + 31 * n for n in range(members)}
    )
    nodes.loads.clear()
    return nodes, root


def test_one_change_in_a_large_room_writes_the_nodes_of_one_path():
    nodes, root = a_large_room(10_000)
    depth = nodes.depth(root)
    nodes.loads.clear()
    before = set(nodes.contents)

    new_root = state_trie.set_many(nodes, root, {500_000 + 7 * 1234: 90_000_000})

    assert len(set(nodes.contents) - before) <= depth
    assert len(nodes.loads) <= depth
    assert sum(len(nodes.contents[n]) for n in set(nodes.contents) - before) < 550

    nodes.loads.clear()
    assert state_trie.diff(nodes, root, new_root) == {
        500_000 + 7 * 1234: (40_000_000 + 31 * 1234, 90_000_000)
    }
    assert sum(map(len, nodes.loads)) <= 2 * depth


def test_each_level_is_loaded_at_once():
    nodes, root = a_large_room(10_000)
    depth = nodes.depth(root)
    every_tenth = [500_000 + 70 * n for n in range(1_000)]

    for read in (
        lambda: list(state_trie.items(nodes, root)),
        lambda: state_trie.get_many(nodes, root, every_tenth),
        lambda: state_trie.set_many(nodes, root, dict.fromkeys(every_tenth, 1)),
        lambda: state_trie.diff(nodes, EMPTY, root),
    ):
        nodes.loads.clear()
        read()
        assert len(nodes.loads) == depth


def test_a_leaf_splits_when_it_is_too_large_and_grows_together_again():
    nodes = Stored()
    full = {key: key for key in range(1, LEAF_ENTRIES_MAX + 1)}
    root = state_trie.set_many(nodes, EMPTY, full)
    assert isinstance(nodes.load([root])[root], Leaf)

    larger = state_trie.set_many(nodes, root, {99: 99})
    assert isinstance(nodes.load([larger])[larger], Inner)

    again = state_trie.set_many(nodes, larger, {99: None})
    assert nodes.contents[again] == nodes.contents[root]
    assert state_trie.set_many(nodes, again, dict.fromkeys(full)) == EMPTY


@pytest.mark.parametrize(
    "stored", [b"\x02", b"", b"\x00\x05\x01", b"\x00\x81", b"\x01\x05\xff\xff\x01"]
)
def test_bytes_that_are_no_node_are_refused(stored):
    with pytest.raises(ValueError, match=r"node|leaf"):
        state_trie.decode(stored)


@given(st.dictionaries(keys, values, max_size=200), st.sets(keys, max_size=20))
def test_split_leaves_out_exactly_the_keys(entries: dict[int, int], left_out: set[int]) -> None:
    nodes = Stored()
    root = state_trie.set_many(nodes, EMPTY, entries)
    whole, rest = state_trie.split(nodes, root, left_out)
    below = {key: nid for number in whole for key, nid in state_trie.items(nodes, number)}
    assert {**rest, **below} == {key: nid for key, nid in entries.items() if key not in left_out}
    assert not below.keys() & rest.keys()


@given(st.dictionaries(keys, values, max_size=200), batches)
def test_changes_that_are_made_in_parts_come_to_the_same(
    entries: dict[int, int], some_batches: list[dict[int, int | None]]
) -> None:
    nodes = Stored()
    root = state_trie.set_many(nodes, EMPTY, entries)
    for changes in some_batches:
        in_parts = root
        for part in state_trie.parts(changes):
            in_parts = state_trie.set_many(nodes, in_parts, part)
        root = state_trie.set_many(nodes, root, changes)
        assert nodes.shape(in_parts) == nodes.shape(root)


def test_a_large_map_that_is_made_in_parts_leaves_few_nodes_that_nobody_needs() -> None:
    nodes, root = Stored(), EMPTY
    for part in state_trie.parts({key: key for key in range(1, 5001)}):
        root = state_trie.set_many(nodes, root, part)
    assert len(nodes.contents) - len(nodes.reachable(root)) < FAN_OUT
