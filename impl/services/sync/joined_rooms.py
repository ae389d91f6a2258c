"""The joined rooms of a sync: timeline, state, what is ephemeral, summary and counts. C-S API,
"Syncing".

First everything is worked out for all rooms, so that what the database must be asked is asked for
all of them at once; then it is written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl.core import state_trie
from impl.services import client_events
from impl.services.aggregations import Aggregations
from impl.services.sync import (
    ephemeral,
    lazy_members,
    room_deltas,
    summary,
    timeline,
    unread_counts,
    warming,
)
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.services.sync.timeline import Timeline
from impl.services.visibility import IS_IN_ROOM, Sights
from impl.storage import sync_rooms
from impl.storage.rooms import Room


@dataclass(slots=True)
class Told:
    """A room that is told of."""

    timeline: Timeline
    # event_nids.
    state: list[int]
    is_whole: bool
    heroes: list[str] | None


def write(
    sync: Sync,
    txn: Any,
    rooms: Mapping[int, Room],
    deltas: Mapping[int, RoomDelta],
    rejoined: Collection[int],
    room_data: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """room_id -> what is new in it, without the rooms in which nothing is."""
    sights = Sights(sync.app, txn, sync.user_id)
    told = _work_out(sync, txn, sights, deltas, rejoined)
    bundled = Aggregations(sync.viewer({}), txn, sights, sync.ignored, sync.form)
    bundled.prepare(
        [
            event
            for one in told.values()
            if one.timeline.is_limited
            for event in one.timeline.events
        ],
        is_in_room=True,
    )
    keys = [(nid, event_nid) for nid, one in told.items() for event_nid in one.state]
    loaded = sync.app.events.get_many(txn, keys)
    counts = unread_counts.of_rooms(sync, txn, rooms, {nid: deltas[nid] for nid in told})
    by_thread = sync.filter.timeline.unread_thread_notifications
    section: dict[str, Any] = {}
    for room_nid, one in told.items():
        room_id = rooms[room_nid].room_id
        state = [
            loaded[nid]
            for nid in one.state
            if nid in loaded and timeline.passes(sync.filter.state, loaded[nid])
        ]
        written = {
            **write_timeline(sync, bundled, one.timeline, IS_IN_ROOM),
            **write_state(sync, txn, state),
            "summary": summary.write(one.timeline.delta, one.heroes),
            "ephemeral": {"events": ephemeral.write(sync, room_id, one.timeline.delta)},
            "account_data": {"events": room_data.get(room_id, [])},
            **unread_counts.write(counts[room_nid], by_thread=by_thread),
        }
        is_news = one.is_whole or one.timeline.is_limited or _has_read(sync, one) or state
        if (
            is_news
            or _has_events(written)
            or unread_counts.has_counted(counts[room_nid], one.timeline.delta, sync.user_id)
        ):
            section[room_id] = written
            lazy_members.record(sync, state)
            if not sync.use_state_after:
                lazy_members.record(sync, one.timeline.events)
    return section


def _has_read(sync: Sync, one: Told) -> bool:
    """Whether the user moved a receipt, also if they do not want to be told of receipts: the counts
    are others.
    """
    return any(receipt.user_id == sync.user_id for receipt in one.timeline.delta.receipts)


def _has_events(written: Mapping[str, Any]) -> bool:
    if written["summary"]:
        return True
    return any(written[part]["events"] for part in ("timeline", "ephemeral", "account_data"))


def write_timeline(
    sync: Sync, bundled: Aggregations, one: Timeline, last_join_depth: int
) -> dict[str, Any]:
    """With what relates to the events only after a gap: else the client has that."""
    if one.is_limited:
        events = bundled.write(one.events, one.memberships, last_join_depth)
    else:
        viewer = sync.viewer(one.memberships)
        events = client_events.write(viewer, bundled.txn, one.events, sync.form)
    return {
        "timeline": {
            "events": events,
            "limited": one.is_limited,
            "prev_batch": one.prev_batch,
        }
    }


def write_state(sync: Sync, txn: Any, state: Sequence[Any]) -> dict[str, Any]:
    events = client_events.write_state(sync.viewer({}), txn, state, sync.form) if state else []
    return {"state_after" if sync.use_state_after else "state": {"events": events}}


def _work_out(
    sync: Sync,
    txn: Any,
    sights: Sights,
    deltas: Mapping[int, RoomDelta],
    rejoined: Collection[int],
) -> dict[int, Told]:
    _complete(sync, txn, deltas.values())
    warming.warm(sync, txn, deltas.values(), sights)
    places = [(nid, sync.since) for nid in rejoined]
    had = sync_rooms.list_state_roots(txn, places) if places else {}
    naming_nids = sync.app.state_keys.get_nids(txn, list(room_deltas.NAMING)).values()
    told: dict[int, Told] = {}
    for room_nid, delta in deltas.items():
        # Joined by now, but not yet at this position: the next sync tells of it.
        if delta.rows and sights.at(room_nid, delta.root_end)[1] != "join":
            continue
        one = timeline.cut(sync, sights, delta, IS_IN_ROOM)
        is_whole = delta.after == 0 or sync.is_full_state
        from_root = state_trie.EMPTY if is_whole else delta.root_since
        has_summary = delta.counts is not None
        heroes = summary.heroes(sync, txn, delta, naming_nids) if has_summary else None
        needed = (heroes or []) if sync.filter.state.lazy_load_members else []
        known_root = had.get((room_nid, sync.since), state_trie.EMPTY)
        state = timeline.state_nids(sync, txn, one, (from_root, known_root), needed)
        told[room_nid] = Told(one, state, is_whole, heroes)
    return told


def _complete(sync: Sync, txn: Any, deltas: Collection[RoomDelta]) -> None:
    """With `full_state`, rooms in which nothing happened are told as well."""
    if not sync.is_full_state:
        return
    still = [one for one in deltas if not one.rows]
    if still:
        roots = sync_rooms.list_state_roots(txn, [(one.room_nid, one.up_to) for one in still])
        for one in still:
            root = roots[one.room_nid, one.up_to]
            one.root_since = one.root_start = one.root_end = root
    room_deltas.add_members(txn, [one for one in deltas if one.counts is None])
