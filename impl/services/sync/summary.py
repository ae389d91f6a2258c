"""A room's summary: how many are in it, and after whom to name it. C-S API, "Syncing",
`m.heroes`: where nothing else names it."""

from collections.abc import Collection
from typing import Any

from impl.core import state_trie
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import HEROES, NAMING, RoomDelta
from impl.storage.state_nodes import RoomNodes


def heroes(
    sync: Sync, txn: Any, delta: RoomDelta, naming_nids: Collection[int]
) -> list[str] | None:
    """The first five others; those who were there before, where nobody else is. None where the
    room has a name of its own. `naming_nids`: of the keys of NAMING.
    """
    if _is_named(sync, txn, delta, naming_nids):
        return None
    others = [(one, is_present) for one, is_present in delta.first_members if one != sync.user_id]
    present = [one for one, is_present in others if is_present]
    return (present or [one for one, _ in others])[:HEROES]


def write(delta: RoomDelta, names: list[str] | None) -> dict[str, Any]:
    """Empty where no membership changed, and nothing that names the room."""
    if delta.counts is None:
        return {}
    summary: dict[str, Any] = {
        "m.joined_member_count": delta.counts.get("join", 0),
        "m.invited_member_count": delta.counts.get("invite", 0),
    }
    return summary if names is None else summary | {"m.heroes": names}


def _is_named(sync: Sync, txn: Any, delta: RoomDelta, naming_nids: Collection[int]) -> bool:
    app = sync.app
    nodes = RoomNodes(txn, app.state_nodes, delta.room_nid)
    nids = state_trie.get_many(nodes, delta.root_end, naming_nids)
    loaded = app.events.get_many(txn, [(delta.room_nid, nid) for nid in nids.values()])
    named_by = [loaded[nid].event for nid in nids.values() if nid in loaded]
    return any(event.content.get(NAMING[event.key]) for event in named_by)
