"""The event that is nearest to a time. C-S API, GET /rooms/{roomId}/timestamp_to_event.

What the requester may not see is passed over: in steps that grow, since it may be all that was said
before they came; but not without end."""

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import history_page
from impl.services.history_page import Reader
from impl.services.remote_history import jumping
from impl.storage import event_times
from impl.storage.event_times import Moment
from impl.storage.rooms import Room

STEPS = (10, 100, 1000, 3000, 6000)


def nearest(
    app: App, requester: Requester, room_id: str, ts: int, *, is_forward: bool
) -> dict[str, object]:
    """Of the events that the requester may see the first at that time or after it, or the last at
    it or before. Where our own history has a gap there, other servers are asked.
    """
    room, found = _nearest_here(app, requester, room_id, ts, is_forward=is_forward)
    if jumping.fetch(app, room, ts, is_forward=is_forward):
        _, found = _nearest_here(app, requester, room_id, ts, is_forward=is_forward)
    if found is None:
        direction = "forward" if is_forward else "backward"
        raise errors.NotFound(f"there is no event {direction} from {ts}")
    return found


def _nearest_here(
    app: App, requester: Requester, room_id: str, ts: int, *, is_forward: bool
) -> tuple[Room, dict[str, object] | None]:
    with app.database.read() as txn:
        reader = history_page.open_room(app, txn, room_id, requester.user_id)
        place: Moment = (ts, 0 if is_forward else event_times.NID_MAX)
        for step in STEPS:
            list_some = event_times.list_from if is_forward else event_times.list_until
            moments = list_some(txn, reader.room.room_nid, place, step)
            found = _first_visible(reader, [nid for _, nid in moments])
            if found is not None:
                return reader.room, found
            if len(moments) < step:
                break
            last_ts, last_nid = moments[-1]
            place = (last_ts, last_nid + 1 if is_forward else last_nid - 1)
    return reader.room, None


def _first_visible(reader: Reader, event_nids: list[int]) -> dict[str, object] | None:
    app, txn, room_nid = reader.app, reader.txn, reader.room.room_nid
    loaded = app.events.get_many(txn, [(room_nid, nid) for nid in event_nids])
    stored = [loaded[nid] for nid in event_nids if nid in loaded]
    reader.sights.preload(stored)
    seen, _ = reader.sights.select(stored, reader.last_join_depth)
    if not seen:
        return None
    return {"event_id": seen[0].event_id, "origin_server_ts": seen[0].event.origin_server_ts}
