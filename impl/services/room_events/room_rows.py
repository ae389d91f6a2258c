"""What is written of the events that were appended to a room."""

from pyroaring import BitMap64

from impl import breath
from impl.core import state_trie
from impl.core.event import Event
from impl.core.retention import RETENTION
from impl.services import retention
from impl.services.room_events import (
    device_rows,
    directory_rows,
    out_of_band_rows,
    outgoing,
    relating,
)
from impl.services.room_events.open_room import Appended, OpenRoom
from impl.services.room_events.unread import Counting
from impl.storage import (
    branching_rooms,
    event_graph,
    events,
    history,
    memberships,
    partial_rooms,
    redactions,
    relations,
    room_state,
    timeline,
)
from impl.storage.events import NewEvent
from impl.storage.memberships import Member
from impl.storage.partial_rooms import PartialEvent
from impl.storage.timeline import MemberChange

MEMBER = "m.room.member"
# 2**64 divided by the golden ratio: what is spaced evenly is spread evenly.
_SPREAD = 0x9E3779B97F4A7C15
_SPREAD_MASK = (1 << 64) - 1


def write(room: OpenRoom) -> None:
    """Queue all rows but the timeline's and the head's for the COMMIT."""
    txn, room_nid = room.txn, room.room_nid
    new_events = list(room.new.values())
    now_ms, former = room.app.now_ms(), room.former_outliers
    events.insert(txn, [one for one in new_events if one.event_nid not in former], now_ms)
    events.put_places(txn, [one for one in new_events if one.event_nid in former], now_ms)
    events.put_content(txn, [one for one in new_events if one.event_nid in room.came_alone])
    _write_graph(room)
    redacting = [one for one in room.appended if one.placed.redacts_nid is not None]
    redactions.put(
        txn,
        [(room_nid, one.placed.redacts_nid or 0, one.new.event_nid) for one in redacting],
        now_ms,
    )
    relations.delete(txn, relating.rows_gone(room))
    redactions.put_pending(
        txn,
        [
            (room_nid, one.placed.redacts_later, one.new.event_nid)
            for one in room.appended
            if one.placed.redacts_later is not None
        ],
    )
    room.nodes.insert()
    if any(one.event.is_state for one in new_events):
        event_graph.insert_auth_chains(txn, _chain_rows(room))
    if room.head.current_state_root != room.root_at_open:
        write_current_state(room)
    _delete_redacted_names(room)


def timeline_rows(room: OpenRoom) -> list[timeline.NewRow]:
    """The places of the events that clients are shown."""
    rows: list[timeline.NewRow] = []
    moving = [one for one in room.appended if one.placed.moves_the_head]
    if not moving:
        return rows
    kin = relating.kin_of(room, [one for one in moving if not one.placed.is_hidden])
    counting = Counting(room)
    oldest_ts = retention.oldest_ts(room.app, room.txn, room.room_nid)
    for one in moving:
        counting.follow(one)
        if one.placed.is_hidden:
            continue
        event_nid = one.new.event_nid
        # Either way another event's row is not what it was in the workers' caches.
        changes_nid = one.placed.redacts_nid or one.placed.event_nid
        members = _member_changes(room, one)
        event = one.new.event
        is_redacted = one.placed.redacted_by_nid is not None
        roots = (one.placed.state_before or state_trie.EMPTY, one.current_after)
        rows.append(
            timeline.NewRow(
                room.room_nid,
                event_nid,
                event.depth,
                one.current_after,
                changes_nid,
                members,
                kin.parent_nids.get(event_nid),
                kin.relations.get(event_nid),
                counting.silent_row(event)
                if _has_expired(event, oldest_ts)
                else counting.row(event, roots, is_redacted=is_redacted),
                *outgoing.columns(room, one),
            )
        )
        shows_nid = one.placed.shows_nid
        if shows_nid is not None:
            # Now that it has redacted something it is shown.
            redaction = room.events_by_nid([shows_nid])[shows_nid]
            rows.append(
                timeline.NewRow(
                    room.room_nid,
                    shows_nid,
                    redaction.depth,
                    one.current_after,
                    event_nid,
                    [],
                    unread=counting.row(redaction, (one.current_after, one.current_after)),
                )
            )
    counting.close()
    if room.settled:
        out_of_band_rows.tell(room, rows)
    return rows


def _has_expired(event: Event, oldest_ts: int | None) -> bool:
    return oldest_ts is not None and not event.is_state and event.origin_server_ts < oldest_ts


def _write_graph(room: OpenRoom) -> None:
    txn, room_nid = room.txn, room.room_nid
    placed = [one for one in room.appended if one.placed.state_before is not None]
    event_graph.insert_edges(
        txn,
        [
            (room_nid, prev, one.new.event_nid)
            for one in placed
            for prev in dict.fromkeys(one.new.event.prev_event_ids)
        ],
    )
    depths: dict[str, int] = {}
    for one in placed:
        # What only a refused event refers to is nobody's history; but that of a room goes on below
        # an event of it that we refuse.
        if one.placed.is_accepted or one.placed.is_backfilled:
            depth = one.new.event.depth
            for event_id in one.placed.missing:
                depths[event_id] = max(depth, depths.get(event_id, depth))
    event_graph.put_backward_extremities(txn, room_nid, depths)
    if any(one.placed.is_received for one in placed):
        came = [one.new.event.event_id for one in placed if one.placed.is_received]
        event_graph.delete_backward_extremities(txn, room_nid, came)
    if room.head.is_partial:
        partial_rooms.note_events(
            txn,
            room_nid,
            [
                PartialEvent(one.new.event_nid, one.placed.above_nid, one.placed.told_root)
                for one in placed
                # Another server told all of it.
                if one.placed.told_root is None or one.placed.told_root != one.placed.state_before
            ],
        )
    threshold = room.app.config.dummy_events_threshold
    if threshold is not None and len(room.extremities) > threshold:
        branching_rooms.note(txn, room_nid)


def write_current_state(room: OpenRoom) -> None:
    """The rows of the current state that are not what they were."""
    txn, room_nid = room.txn, room.room_nid
    if room.appended and all(_stands_on_the_last(one) for one in room.appended):
        # Each on top of the last: what changed is what was appended.
        changed = {
            one.new.event.key: one.new.event_nid
            for one in room.appended
            if one.new.event.is_state and one.placed.moves_the_head
        }
        gone: list[tuple[str, str]] = []
    else:
        changed, gone = _difference(room, room.root_at_open, room.head.current_state_root)
    if room.head.has_out_of_band:
        changed |= out_of_band_rows.settle(room, changed)
    room_state.change(
        txn,
        [
            *((room_nid, key, nid) for key, nid in changed.items()),
            *((room_nid, key, None) for key in gone),
        ],
    )
    members = {key: nid for key, nid in changed.items() if key[0] == MEMBER}
    rows: list[Member] = []
    for piece in breath.pieces(list(members.values())):
        loaded = room.stored_by_nid(piece)
        rows += [_member(room, loaded[nid].event, nid) for nid in piece]
    gone_members = [key[1] for key in gone if key[0] == MEMBER]
    outgoing.count_servers(room, rows, gone_members)
    memberships.put(txn, rows)
    directory_rows.write(room, changed, gone, rows)
    if RETENTION in changed or RETENTION in gone:
        # All workers read the policy anew (services/retention.py).
        nid = changed.get(RETENTION) or room.head.forward_extremities[0]
        history.tell_changes(txn, room_nid, [(nid, None)], room.app.now_ms(), wakes=True)
    if gone_members:
        memberships.delete(txn, room_nid, gone_members)
    device_rows.forget(room, rows, gone_members)


def _delete_redacted_names(room: OpenRoom) -> None:
    """What memberships that are redacted now said of their users."""
    redacted = {one.placed.redacts_nid for one in room.appended} - {None}
    if redacted:
        stored = room.stored_by_nid(nid for nid in redacted if nid is not None)
        members = [one for one in stored.values() if one.event.type == MEMBER]
        rows = [(room.room_nid, one.event.state_key or "", one.event_nid) for one in members]
        memberships.delete_names(room.txn, rows)
        directory_rows.forget_names(room, [(user_id, nid) for _, user_id, nid in rows])


def _stands_on_the_last(one: Appended) -> bool:
    return (
        one.placed.state_before == one.current_before and one.new.state_after == one.current_after
    )


def _difference(
    room: OpenRoom, old_root: int, new_root: int
) -> tuple[dict[tuple[str, str], int], list[tuple[str, str]]]:
    """(type, state_key) -> event_nid where it is new, and the keys that are gone."""
    diff = state_trie.diff(room.nodes, old_root, new_root)
    keys = room.app.state_keys.get_keys(room.txn, diff)
    changed = {keys[key_nid]: nid for key_nid, (_, nid) in diff.items() if nid is not None}
    return changed, [keys[key_nid] for key_nid, (_, nid) in diff.items() if nid is None]


def _member_changes(room: OpenRoom, one: Appended) -> list[MemberChange]:
    """The memberships of our users that are others with this event."""
    if one.current_before == one.current_after:
        return []
    event, event_nid = one.new.event, one.new.event_nid
    if _stands_on_the_last(one):
        if event.type != MEMBER or not _is_ours(room, event.state_key or ""):
            return []
        return [MemberChange(event.state_key or "", event.content["membership"], event_nid)]
    changed, gone = _difference(room, one.current_before, one.current_after)
    nids = {
        key[1]: nid for key, nid in changed.items() if key[0] == MEMBER and _is_ours(room, key[1])
    }
    loaded = room.events_by_nid(nids.values())
    return [
        *(
            MemberChange(user_id, loaded[nid].content["membership"], nid)
            for user_id, nid in sorted(nids.items())
        ),
        *(
            MemberChange(key[1], "leave", event_nid)
            for key in sorted(gone)
            if key[0] == MEMBER and _is_ours(room, key[1])
        ),
    ]


def _is_ours(room: OpenRoom, user_id: str) -> bool:
    return user_id.endswith(":" + room.app.server_name)


def _chain_rows(room: OpenRoom) -> list[tuple[int, int, BitMap64]]:
    """The chains that are stored. DESIGN 5, "Auth chains".

    Those of the events that many chains share, which is all state but memberships. A membership's
    is the union of what is stored, but each cites the one before it: of who changes their name
    every day one in eight is stored as well, so that nobody has to go back to the first."""
    sharing = [
        nid
        for nid, new in room.new.items()
        if new.event.is_state
        and nid not in room.former_outliers
        and (new.event.type != MEMBER or (_is_one_in_eight(nid) and _follows_another(room, new)))
    ]
    chains = room.chains.get_many(sharing)
    return [(room.room_nid, nid, chains[nid]) for nid in sharing]


def _is_one_in_eight(event_nid: int) -> bool:
    # Not the last bits: the numbers of one user's events may be as many apart each time.
    return event_nid * _SPREAD & _SPREAD_MASK < _SPREAD_MASK // 8


def _follows_another(room: OpenRoom, new: NewEvent) -> bool:
    cited = room.events_by_nid(new.auth_event_nids).values()
    return any(one.is_state and one.key == new.event.key for one in cited)


def _member(room: OpenRoom, event: Event, event_nid: int) -> Member:
    content = event.content
    membership = content["membership"]
    return Member(
        room_nid=room.room_nid,
        user_id=event.state_key or "",
        membership=membership,
        event_nid=event_nid,
        sender=event.sender,
        display_name=_text(content.get("displayname")),
        avatar_url=_text(content.get("avatar_url")),
        # C-S API, "m.forget_forced_upon_leave capability": however it came that they left.
        is_forgotten=room.app.config.forget_rooms_on_leave and membership in ("leave", "ban"),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
