"""Filters that ask for events to which others relate: `related_by_senders` and
`related_by_rel_types`. MSC3440.
"""

from collections.abc import Collection, Sequence
from typing import Any

from impl.core.event_filter import EventFilter
from impl.storage import relations
from impl.storage.events import StoredEvent


def select(
    txn: Any, wanted: EventFilter, stored: Sequence[StoredEvent], ignored: Collection[str]
) -> set[int]:
    """event_nids of those events that the filter lets through for what relates to them; for what
    they are themselves it is asked elsewhere.
    """
    if not wanted.asks_for_relations:
        return {one.event_nid for one in stored}
    parents = [one for one in stored if one.has_children]
    if not parents:
        return set()
    found = relations.list_parents(
        txn,
        [(one.room_nid, one.event_id) for one in parents],
        wanted.related_by_senders,
        wanted.related_by_rel_types,
        ignored,
    )
    return {one.event_nid for one in parents if (one.room_nid, one.event_id) in found}
