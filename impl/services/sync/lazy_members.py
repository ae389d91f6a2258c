"""The members of a sync that loads them lazily: those whom the timeline needs, but for those whom
the client knows already. C-S API, "Lazy-loading room members".

A worker remembers which member events it sent to whom. That must never hide one that the client
does not have: an answer may be lost on its way, another worker may have answered in between, and
the client may begin anew. So each memory belongs to one chain of syncs, which is named by where it
began and carried along in the tokens; and with each event stands the `next_batch` of the answer
that had it: who asks from there or later has received that answer. What is forgotten is sent once
more, which is allowed."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from impl.app import App
from impl.core import state_trie
from impl.core.event_filter import Filter
from impl.services import cited_members
from impl.services.sync.request import Sync
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes

MEMBER = "m.room.member"
SENT_MAX = 200_000
SENT_OF_CHAIN_MAX = 10_000

# user_id, device_id, where the chain began, filter.
Chain = tuple[str, str | None, int, Filter]


class Sent:
    """What this worker sent: chain -> event_nid of a member event -> next_batch."""

    def __init__(self, app: App) -> None:
        self.chains: OrderedDict[Chain, dict[int, int]] = OrderedDict()
        self.size = 0

    def is_known(self, sync: Sync, event_nid: int) -> bool:
        """Whether an answer that the client has received had this event."""
        position = self.chains.get(_chain(sync), {}).get(event_nid)
        return position is not None and position <= sync.since

    def add(self, sync: Sync, event_nids: Iterable[int]) -> None:
        chain = _chain(sync)
        sent = self.chains.setdefault(chain, {})
        self.chains.move_to_end(chain)
        self.size -= len(sent)
        for event_nid in event_nids:
            sent.setdefault(event_nid, sync.up_to)
        while len(sent) > SENT_OF_CHAIN_MAX:
            del sent[next(iter(sent))]
        self.size += len(sent)
        while self.size > SENT_MAX:
            _, dropped = self.chains.popitem(last=False)
            self.size -= len(dropped)


def _chain(sync: Sync) -> Chain:
    return sync.user_id, sync.requester.device_id, sync.chain, sync.filter


def record(sync: Sync, stored: Iterable[StoredEvent]) -> None:
    """Remember the member events among those that an answer has."""
    wanted = sync.filter.state
    if wanted.lazy_load_members and not wanted.include_redundant_members:
        members = [
            one.event_nid for one in stored if one.event.type == MEMBER and one.event.is_state
        ]
        if members:
            sync.app.part(Sent, Sent).add(sync, members)


def of_whole(
    sync: Sync,
    txn: Any,
    state: dict[int, int],
    needed: Collection[str],
    always: Collection[int],
) -> dict[int, int]:
    """Of a whole state all but the members who are not needed. `always`: keys of the state that
    changed while the client had the room.
    """
    keys = sync.app.state_keys.get_keys(txn, state)
    return {
        key_nid: event_nid
        for key_nid, event_nid in state.items()
        if keys[key_nid][0] != MEMBER
        or keys[key_nid][1] in needed
        or keys[key_nid][1] == sync.user_id
        or key_nid in always
    }


def of_change(
    sync: Sync, txn: Any, nodes: RoomNodes, root: int, needed: Collection[str]
) -> dict[int, int]:
    """The members who are needed, as they are at `root`, without those whom the client knows."""
    key_nids = sync.app.state_keys.get_nids(txn, [(MEMBER, user_id) for user_id in needed])
    found = state_trie.get_many(nodes, root, list(key_nids.values()))
    if sync.filter.state.include_redundant_members:
        return found
    sent = sync.app.part(Sent, Sent)
    return {
        key_nid: event_nid
        for key_nid, event_nid in found.items()
        if not sent.is_known(sync, event_nid)
    }


def of_cited(
    sync: Sync, txn: Any, stored: Sequence[StoredEvent], nodes: RoomNodes, root: int
) -> dict[int, int]:
    """Those who speak and do not stand in the state at `root`, in a room whose members are not all
    known yet: by what they cite, without those whom the client knows. The keys are no state's.
    """
    senders = {one.event.sender for one in stored}
    # Who stands in no state has no number as a key.
    key_nids = sync.app.state_keys.get_nids(txn, [(MEMBER, user_id) for user_id in senders])
    found = state_trie.get_many(nodes, root, list(key_nids.values()))
    here = {user_id for (_, user_id), key_nid in key_nids.items() if key_nid in found}
    if here == senders:
        return {}
    cited = cited_members.find(sync.app, txn, stored, senders - here)
    sent = sync.app.part(Sent, Sent)
    nids = [one.event_nid for one in cited.values() if not sent.is_known(sync, one.event_nid)]
    return {-nid: nid for nid in nids}
