"""What is known of those who speak in a room whose members are not all known yet: what their events
cite. C-S API, "Lazy-loading room members".
"""

from collections.abc import Collection, Sequence
from typing import Any

from impl.app import App
from impl.storage import events
from impl.storage.events import StoredEvent

MEMBER = "m.room.member"


def find(
    app: App, txn: Any, stored: Sequence[StoredEvent], user_ids: Collection[str]
) -> dict[str, StoredEvent]:
    """user_id -> the membership event that the last of some events of theirs cites; of users who do
    not stand in the room's state.
    """
    cited = {
        one.event.sender: one.event.auth_event_ids for one in stored if one.event.sender in user_ids
    }
    if not cited:
        return {}
    room_nid = stored[0].room_nid
    wanted = {event_id for event_ids in cited.values() for event_id in event_ids}
    nids = events.get_nids(txn, room_nid, wanted)
    loaded = app.events.get_many(txn, [(room_nid, nid) for nid in nids.values()])
    by_id = {one.event_id: one for one in loaded.values()}
    found: dict[str, StoredEvent] = {}
    for user_id, event_ids in cited.items():
        for event_id in event_ids:
            one = by_id.get(event_id)
            if one is None or not one.event.is_state or one.rejected_reason is not None:
                continue
            if one.event.key == (MEMBER, user_id):
                found[user_id] = one
    return found
