"""Other servers are asked which of a room's events is nearest to a time. S-S API, GET
/timestamp_to_event.
"""

from impl.app import App
from impl.core import identifiers
from impl.outbound.failures import BadAnswer
from impl.storage.rooms import Room


def ask(app: App, room: Room, server: str, ts: int, *, is_forward: bool) -> tuple[str, int]:
    """(event_id, origin_server_ts) of the first event at a time or after it, or the last at it or
    before. Raises FederationFailure.
    """
    direction = "f" if is_forward else "b"
    answer = app.federation.get_event_by_timestamp(server, room.room_id, ts, direction)
    event_id, event_ts = answer.get("event_id"), answer.get("origin_server_ts")
    if not identifiers.is_event_id(event_id) or type(event_ts) is not int:
        raise BadAnswer(server, "it does not name an event and its time")
    if (event_ts < ts) if is_forward else (event_ts > ts):
        raise BadAnswer(server, "the event that it names lies in the other direction")
    return str(event_id), event_ts
