"""The rooms that a sync has something to tell of, sorted by what the user is in them. C-S API,
"Syncing".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.services import member_content
from impl.services.sync.request import Sync
from impl.storage import sync_rooms
from impl.storage.rooms import Room
from impl.storage.sync_rooms import Change

# What is told of a room that is new to the client begins here: before all positions of a sync.
BEGINNING = 0


@dataclass(frozen=True, slots=True)
class Left:
    """A room that the user is not in any more."""

    # Their membership now: a ban, say, that came after they had left.
    last: Change
    # The room is told after this position; None: nothing but `last`, for who never was in it.
    after: int | None = None
    # Up to this one: where the user last went out. What came later is not for them.
    departure: int = 0
    join_nid: int = 0


@dataclass(slots=True)
class RoomsMoved:
    """All by room_nid. A room is in one of the groups."""

    # The position after which a joined room is told: `since`, or BEGINNING for one that is new to
    # the client.
    joined: dict[int, int] = field(default_factory=dict)
    # Those of them that the user left and came back to since: the client has them.
    rejoined: set[int] = field(default_factory=set)
    # Those whose members are all known since, and were not before.
    completed: set[int] = field(default_factory=set)
    invited: dict[int, Change] = field(default_factory=dict)
    knocked: dict[int, Change] = field(default_factory=dict)
    left: dict[int, Left] = field(default_factory=dict)

    def nids(self) -> list[int]:
        return [*self.joined, *self.invited, *self.knocked, *self.left]

    def has_memberships(self) -> bool:
        """Whether the user's own memberships are among what moved."""
        return (
            bool(self.rejoined or self.invited or self.knocked or self.left)
            or BEGINNING in self.joined.values()
        )

    def keep(self, room_nids: Collection[int]) -> None:
        """Drop all rooms but these."""
        for group in (self.joined, self.invited, self.knocked, self.left):
            for room_nid in [nid for nid in group if nid not in room_nids]:
                del group[room_nid]  # type: ignore[attr-defined]


def of_initial(sync: Sync, txn: Any) -> RoomsMoved:
    """Every room that the user is in, is invited to, or knocks on; those they left, if the filter
    wants them.
    """
    moved = RoomsMoved()
    at = sync_rooms.list_memberships_at(txn, sync.user_id, sync.up_to)
    invites = [nid for nid, change in at.items() if change.membership == "invite"]
    if invites and member_content.list_blocking(txn, [sync.user_id]):
        at = {nid: change for nid, change in at.items() if change.membership != "invite"}
    for room_nid, change in at.items():
        if change.membership == "join":
            moved.joined[room_nid] = BEGINNING
        elif change.membership == "invite":
            moved.invited[room_nid] = change
        elif change.membership == "knock":
            moved.knocked[room_nid] = change
    if sync.filter.include_leave:
        gone = [nid for nid, one in at.items() if one.membership in ("leave", "ban")]
        for room_nid in set(gone) - sync_rooms.list_forgotten(txn, sync.user_id, gone):
            moved.left[room_nid] = Left(at[room_nid], BEGINNING)
        _find_stays(sync, txn, moved)
    return moved


def since(sync: Sync, txn: Any, changed: Collection[int], has_user_moved: bool) -> RoomsMoved:
    """Of the joined rooms those that `changed`, and every room in which the user's membership
    did.
    """
    moved = RoomsMoved(joined=dict.fromkeys(changed, sync.since))
    if not has_user_moved:
        return moved
    by_room: dict[int, list[Change]] = {}
    for change in sync_rooms.list_membership_changes(txn, sync.user_id, sync.since, sync.up_to):
        by_room.setdefault(change.room_nid, []).append(change)
    by_room = _without_unwanted(sync, txn, by_room)
    if not by_room:
        return moved
    before = sync_rooms.list_memberships_at(txn, sync.user_id, sync.since, list(by_room))
    for room_nid, changes in by_room.items():
        was_in = room_nid in before and before[room_nid].membership == "join"
        _sort(moved, room_nid, changes, sync.since if was_in else None)
    _find_stays(sync, txn, moved)
    return moved


def is_hidden(sync: Sync, room: Room) -> bool:
    """Whether the client must wait for a room until its members are known (partial_rooms.py): all
    but those who load members as they need them.
    """
    if sync.filter.state.lazy_load_members:
        return False
    return room.whole_position is None or room.whole_position > sync.up_to


def heed_partial(sync: Sync, txn: Any, moved: RoomsMoved) -> None:
    """Hide rooms whose members are not all known, and tell of them when they are."""
    for room in sync.app.rooms.get_by_nids(txn, list(moved.joined)).values():
        whole_position = room.whole_position
        if whole_position == 0:
            continue
        if is_hidden(sync, room):
            del moved.joined[room.room_nid]
        elif whole_position is not None and sync.since < whole_position <= sync.up_to:
            moved.completed.add(room.room_nid)
            if not sync.filter.state.lazy_load_members:
                moved.joined[room.room_nid] = BEGINNING


def _without_unwanted(
    sync: Sync, txn: Any, by_room: dict[int, list[Change]]
) -> dict[int, list[Change]]:
    """The changes without the invites that the user does not want to hear of: none, or none by
    somebody ignored. C-S API, "Invite permission", "Ignoring Users". What came before an invite is
    told: that they were sent away, say.
    """
    unwanted = _unwanted_invites(sync, txn, by_room)
    if not unwanted:
        return by_room
    wanted: dict[int, list[Change]] = {}
    for room_nid, changes in by_room.items():
        while room_nid in unwanted and changes and changes[-1].membership == "invite":
            changes = changes[:-1]
        if changes:
            wanted[room_nid] = changes
    return wanted


def _unwanted_invites(sync: Sync, txn: Any, by_room: dict[int, list[Change]]) -> Collection[int]:
    invites = {
        nid: changes[-1].event_nid
        for nid, changes in by_room.items()
        if changes[-1].membership == "invite"
    }
    if not invites or member_content.list_blocking(txn, [sync.user_id]):
        return invites
    if not sync.ignored:
        return ()
    events = sync.app.events.get_many(txn, list(invites.items()))
    return {one.room_nid for one in events.values() if one.event.sender in sync.ignored}


def _sort(
    moved: RoomsMoved, room_nid: int, changes: Sequence[Change], joined_since: int | None
) -> None:
    """File a room by the last of the changes. `joined_since`: where the client knows it up to, if
    it was in it.
    """
    last = changes[-1]
    moved.joined.pop(room_nid, None)
    if last.membership == "join":
        stayed = all(change.membership == "join" for change in changes)
        if joined_since is not None and not stayed:
            moved.rejoined.add(room_nid)
        after = joined_since if stayed and joined_since is not None else BEGINNING
        moved.joined[room_nid] = after
    elif last.membership == "invite":
        moved.invited[room_nid] = last
    elif last.membership == "knock":
        moved.knocked[room_nid] = last
    else:
        was_in_between = any(change.membership == "join" for change in changes)
        after_left = BEGINNING if joined_since is None and was_in_between else joined_since
        moved.left[room_nid] = Left(last, after_left)


def _find_stays(sync: Sync, txn: Any, moved: RoomsMoved) -> None:
    """Look up until when the user was in the rooms that they left."""
    room_nids = [nid for nid, left in moved.left.items() if left.after is not None]
    if not room_nids:
        return
    stays = sync_rooms.list_last_stays(txn, sync.user_id, room_nids, sync.up_to)
    for room_nid in room_nids:
        left = moved.left[room_nid]
        join_nid, departure = stays.get(room_nid, (0, 0))
        after = left.after if departure else None
        moved.left[room_nid] = Left(left.last, after, departure, join_nid)
