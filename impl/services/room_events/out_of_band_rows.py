"""When the room itself comes to say what a user of ours is in it, of whom so far an event told that
came alone (services/out_of_band.py)."""

from collections.abc import Mapping
from dataclasses import replace

from impl.services.room_events.open_room import OpenRoom, StateKey
from impl.storage import out_of_band
from impl.storage.timeline import MemberChange, NewRow

MEMBER = "m.room.member"


def settle(room: OpenRoom, changed: Mapping[StateKey, int]) -> dict[StateKey, int]:
    """The memberships that are to be written besides what `changed` in the current state: once
    somebody of ours is in the room, what its state says of all of them. Who does not stand in the
    state yet, which may be known in part only, is what they were.
    """
    user_ids = out_of_band.list_users(room.txn, room.room_nid)
    ours = {key: nid for key, nid in changed.items() if key[0] == MEMBER and _is_ours(room, key[1])}
    events = room.events_by_nid(ours.values())
    if any(event.membership == "join" for event in events.values()):
        found = room.state_nids([(MEMBER, user_id) for user_id in user_ids])
    else:
        found = {key: nid for key, nid in ours.items() if key[1] in user_ids}
    room.settled = [user_id for _, user_id in found]
    out_of_band.delete(room.txn, room.room_nid, room.settled)
    room.head.has_out_of_band = len(found) < len(user_ids)
    return found


def tell(room: OpenRoom, rows: list[NewRow]) -> None:
    """Have those told whose membership was settled, though the state of the room did not change in
    what it says of them.
    """
    told = {change.user_id for row in rows for change in row.members}
    untold = [user_id for user_id in room.settled if user_id not in told]
    if not untold or not rows:
        return
    nids = room.state_nids([(MEMBER, user_id) for user_id in untold])
    events = room.events_by_nid(nids.values())
    more = [
        MemberChange(user_id, events[nid].content["membership"], nid)
        for (_, user_id), nid in nids.items()
    ]
    rows[-1] = replace(rows[-1], members=[*rows[-1].members, *more])


def _is_ours(room: OpenRoom, user_id: str) -> bool:
    return user_id.endswith(":" + room.app.server_name)
