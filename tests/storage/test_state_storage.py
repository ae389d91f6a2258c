"""Interned keys, stored nodes and numbers in blocks."""

from collections.abc import Callable
from contextlib import suppress

import gevent

from impl.app import App
from impl.core import state_trie
from impl.storage import state_nodes
from impl.storage.numbers import BLOCK, Numbers
from impl.storage.state_nodes import NodeCache, RoomNodes


def test_a_key_keeps_its_number_in_every_worker(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    keys = [("m.room.member", f"@{n}:x") for n in range(10)]
    with one.database.transaction() as txn:
        nids = one.state_keys.intern(txn, keys)
    with other.database.transaction() as txn:
        assert other.state_keys.intern(txn, keys) == nids
        assert other.state_keys.get_keys(txn, nids.values()) == {v: k for k, v in nids.items()}


def test_a_key_has_its_number_whatever_becomes_of_the_transaction(
    new_app: Callable[..., App],
) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    key = ("m.room.topic", "")
    nids = {}
    with suppress(RuntimeError), one.database.transaction() as txn:
        nids = one.state_keys.intern(txn, [key])
        assert one.state_keys.get_nids(txn, [key]) == nids
        raise RuntimeError
    with one.database.read() as txn:
        assert one.state_keys.intern(txn, [key]) == nids
        assert other.state_keys.get_keys(txn, nids.values()) == {nids[key]: key}


def test_transactions_that_bring_new_keys_one_by_one_do_not_wait_for_each_other(
    new_app: Callable[..., App],
) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    with one.database.transaction() as first, other.database.transaction() as second:
        for key, later in (("a", "b"), ("b", "a")):
            one.state_keys.intern(first, [("t", key)])
            other.state_keys.intern(second, [("t", later)])


def test_workers_that_bring_the_same_new_keys_do_not_fail(new_app: Callable[..., App]) -> None:
    workers = [new_app()]
    workers.append(new_app(workers[0].database.dsn))

    def intern(worker: App, step: int) -> None:
        for number in range(0, 60, 6):
            keys = [("t", str(n)) for n in range(number, number + 6)][::step]
            with worker.database.transaction() as txn:
                worker.state_keys.intern(txn, keys)

    jobs = [
        gevent.spawn(intern, worker, step) for worker, step in zip(workers, (1, -1), strict=True)
    ]
    gevent.joinall(jobs, raise_error=True, timeout=20)
    with workers[0].database.read() as txn:
        txn.execute("SELECT count(*) FROM state_keys WHERE event_type = 't'")
        assert txn.fetchone() == (60,)


def test_nodes_are_read_back_by_a_worker_with_an_empty_cache(app: App) -> None:
    entries = {key: key * 7 for key in range(1, 500)}
    numbers = Numbers("state_node_nids")
    with app.database.transaction() as txn:
        nodes = RoomNodes(txn, NodeCache(), 1, numbers)
        root = state_trie.set_many(nodes, state_trie.EMPTY, entries)
        nodes.insert()
    with app.database.read() as txn:
        cold = RoomNodes(txn, NodeCache(), 1)
        assert dict(state_trie.items(cold, root)) == entries


def test_what_was_preloaded_of_several_rooms_need_not_be_read(app: App) -> None:
    numbers, roots = Numbers("state_node_nids"), {}
    with app.database.transaction() as txn:
        for room_nid in (1, 2):
            nodes = RoomNodes(txn, NodeCache(), room_nid, numbers)
            entries = {key: key * room_nid for key in range(1, 500)}
            roots[room_nid] = state_trie.set_many(nodes, state_trie.EMPTY, entries)
            nodes.insert()
    cache = NodeCache()
    with app.database.read() as txn:
        wanted = [(1, roots[1], None), (2, roots[2], [7]), (2, roots[2], [9, 1000]), (3, 0, None)]
        read = state_nodes.preload_paths(txn, cache, wanted)
        assert state_nodes.preload_paths(txn, cache, wanted) == set()
    assert set(range(1, 500)) <= read
    # Without a transaction nothing can be read.
    assert len(dict(state_trie.items(RoomNodes(None, cache, 1), roots[1]))) == 499
    found = state_trie.get_many(RoomNodes(None, cache, 2), roots[2], [7, 9, 1000])
    assert found == {7: 14, 9: 18}


def test_blocks_of_two_workers_do_not_overlap(app: App) -> None:
    one, other = Numbers("event_nids"), Numbers("event_nids")
    taken: list[int] = []
    with app.database.read() as txn:
        for _ in range(BLOCK + 10):
            for numbers in (one, other):
                numbers.reserve(txn, 1)
                taken.append(numbers.take())
    assert len(set(taken)) == len(taken)


def test_a_state_change_in_a_room_of_10000_members_writes_under_1_kb(app: App) -> None:
    numbers = Numbers("state_node_nids")
    with app.database.transaction() as txn:
        nodes = RoomNodes(txn, app.state_nodes, 1, numbers)
        root = state_trie.set_many(
            nodes, state_trie.EMPTY, {key: 1_000_000 + key for key in range(1, 10_001)}
        )
        nodes.insert()

    def stored_bytes() -> int:
        with app.database.read() as txn:
            txn.execute("SELECT sum(pg_column_size(s.*) + 4) FROM state_nodes s")
            return int(txn.fetchone()[0])

    before = stored_bytes()
    changes = 200
    with app.database.transaction() as txn:
        nodes = RoomNodes(txn, app.state_nodes, 1, numbers)
        for number in range(changes):
            key = 1 + number * 7919 % 10_000
            root = state_trie.set_many(nodes, root, {key: 2_000_000 + number})
        nodes.insert()
    # Row headers and line pointers included; the primary key adds some 30 bytes a node.
    assert (stored_bytes() - before) / changes + 3 * 30 <= 1024
