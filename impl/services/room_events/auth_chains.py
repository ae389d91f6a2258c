"""The auth chains of events, and of whole states. Rooms, "State resolution", "Full auth chain".

Theory. A chain is a bitmap of event numbers. State resolution wants the chains of whole states, and
a state may have fifty thousand events. But states are tries of nodes that never change, so the
union of the chains of what lies below a node never changes either: it is worked out once, kept by
the node's number, and two states that share a node share it. What is left to do for a resolution is
to go down to where the states differ."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pyroaring import BitMap64

from impl.app import App
from impl.core import state_trie
from impl.core.state_trie import Inner
from impl.storage import event_graph
from impl.storage.events import NewEvent
from impl.storage.state_nodes import RoomNodes

UNIONS_KEPT_MAX = 100_000
# In all of them together: what a bitmap costs is its events, a few bytes each.
EVENTS_KEPT_MAX = 5_000_000
_EVENTS_AT_ONCE = 4_000


class Unions:
    """This worker's unions of chains, by the number of the state's node."""

    def __init__(self, app: App) -> None:
        self._unions: OrderedDict[int, BitMap64] = OrderedDict()
        self._events = 0

    def get(self, number: int) -> BitMap64 | None:
        return self._unions.get(number)

    def clear(self) -> None:
        self._unions.clear()
        self._events = 0

    def keep(self, number: int, union: BitMap64) -> None:
        if number in self._unions:
            return
        self._unions[number] = union
        self._events += len(union)
        while len(self._unions) > UNIONS_KEPT_MAX or self._events > EVENTS_KEPT_MAX:
            _, dropped = self._unions.popitem(last=False)
            self._events -= len(dropped)


class AuthChains:
    """The chains of a room's events, those that are not written yet included."""

    def __init__(self, app: App, txn: Any, room_nid: int, new: Mapping[int, NewEvent]) -> None:
        self._unions = app.part(Unions, Unions)
        self._txn = txn
        self._room_nid = room_nid
        self._new = new
        self._of_new: dict[int, BitMap64] = {}

    def get_many(self, event_nids: Iterable[int]) -> dict[int, BitMap64]:
        """event_nid -> its chain, without the event itself."""
        wanted = set(event_nids)
        stored = wanted - self._new.keys()
        chains = event_graph.get_auth_chains(self._txn, self._room_nid, stored) if stored else {}
        unwritten = wanted & self._new.keys()
        if not unwritten <= self._of_new.keys():
            self._work_out_new()
        return chains | {nid: self._of_new[nid] for nid in unwritten}

    def forget(self, event_nid: int) -> None:
        """An event that will not be written after all."""
        self._of_new.pop(event_nid, None)

    def union(self, event_nids: Iterable[int]) -> BitMap64:
        """The chains of some events together."""
        return BitMap64().union(*self.get_many(event_nids).values())

    def union_of_state(self, nodes: RoomNodes, root: int, without: Collection[int]) -> BitMap64:
        """The chains of a state's events together, but for those at some state keys."""
        whole, rest = state_trie.split(nodes, root, without)
        unions = self._work_out(nodes, whole)
        return self.union(rest.values()).union(*(unions[number] for number in whole))

    def _work_out_new(self) -> None:
        """The chains of all that is not written yet. What an event cites was added before it, or
        was here as an outlier and gets its place after it.
        """
        new = {nid: one for nid, one in self._new.items() if nid not in self._of_new}
        older = {cited for one in new.values() for cited in one.auth_event_nids} - self._new.keys()
        chains = event_graph.get_auth_chains(self._txn, self._room_nid, older) if older else {}
        waiting = list(reversed(new))
        while waiting:
            nid = waiting[-1]
            cited = self._new[nid].auth_event_nids
            first = [one for one in cited if one in new and one not in self._of_new]
            if first and nid not in self._of_new:
                waiting.extend(first)
                continue
            waiting.pop()
            if nid not in self._of_new:
                of_cited = [chains[one] if one in chains else self._of_new[one] for one in cited]
                self._of_new[nid] = BitMap64(cited).union(*of_cited)

    def _work_out(self, nodes: RoomNodes, numbers: Collection[int]) -> dict[int, BitMap64]:
        """The unions below some nodes, and below those that lie between."""
        inner: list[tuple[int, Inner]] = []
        leaves: list[tuple[int, list[int]]] = []
        # What is kept now need not be kept any more when the others have been read.
        found: dict[int, BitMap64] = {}
        level = self._unknown(numbers, found)
        while level:
            loaded = nodes.load(level)
            deeper: list[int] = []
            for number in level:
                node = loaded[number]
                if isinstance(node, Inner):
                    inner.append((number, node))
                    deeper.extend(child for child in node.children if child != state_trie.EMPTY)
                else:
                    leaves.append((number, list(node.values)))
            level = self._unknown(deeper, found)
        new = self._of_leaves(leaves)
        found |= new
        # The deepest come last.
        for number, node in reversed(inner):
            children = [found[child] for child in node.children if child != state_trie.EMPTY]
            found[number] = new[number] = BitMap64().union(*children)
        for number, union in new.items():
            self._unions.keep(number, union)
        return found

    def _unknown(self, numbers: Iterable[int], found: dict[int, BitMap64]) -> list[int]:
        unknown: list[int] = []
        for number in numbers:
            union = self._unions.get(number)
            if union is None:
                unknown.append(number)
            else:
                found[number] = union
        return unknown

    def _of_leaves(self, leaves: list[tuple[int, list[int]]]) -> dict[int, BitMap64]:
        found: dict[int, BitMap64] = {}
        waiting: list[tuple[int, list[int]]] = []
        events = 0
        for leaf in leaves:
            waiting.append(leaf)
            events += len(leaf[1])
            if events >= _EVENTS_AT_ONCE:
                found |= self._of_some_leaves(waiting)
                waiting, events = [], 0
        return found | self._of_some_leaves(waiting)

    def _of_some_leaves(self, leaves: list[tuple[int, list[int]]]) -> dict[int, BitMap64]:
        chains = self.get_many({nid for _, nids in leaves for nid in nids})
        return {number: BitMap64().union(*(chains[nid] for nid in nids)) for number, nids in leaves}
