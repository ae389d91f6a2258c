"""Reports of rooms, events and users: kept for the administrators. C-S API, "Reporting Content".

A report must not tell who makes it what they cannot see. An event is not there for them unless they
are in its room and may read it; whether a user exists is not said at all. A room can be reported by
whoever knows its id, from outside too."""

import json

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.services import history, room_reading
from impl.storage import reports
from impl.storage.reports import Report

REASON_MAX = 1000


def report_room(app: App, requester: Requester, room_id: str, reason: str) -> None:
    """Raises NotFound for a room that this server does not know."""
    _check_reason(reason)
    with app.database.read() as txn:
        # Whoever is invited may say what they think of it.
        if room_reading.find_any(app, txn, room_id) is None:
            raise errors.NotFound("this server does not know the room")
        reports.insert(txn, _report(app, requester, room_id=room_id, reason=reason))


def report_event(
    app: App, requester: Requester, room_id: str, event_id: str, reason: str | None
) -> None:
    """Raises NotFound alike for who is not in the room, and for an event that they cannot see."""
    _check_reason(reason)
    with app.database.read() as txn:
        try:
            room_reading.get_joined(app, txn, room_id, requester.user_id)
        except errors.Forbidden as error:
            raise errors.NotFound("there is no such event, or you may not see it") from error
    event = json.loads(bytes(history.event(app, requester, room_id, event_id)))
    with app.database.read() as txn:
        reports.insert(
            txn,
            _report(
                app,
                requester,
                room_id=room_id,
                event_id=event_id,
                user_id=event["sender"],
                reason=reason,
            ),
        )


def report_user(app: App, requester: Requester, user_id: str, reason: str) -> None:
    """Says nothing of whether there is such a user; a report of nobody is not kept."""
    _check_reason(reason)
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")
    with app.database.read() as txn:
        reports.insert_of_known_user(txn, _report(app, requester, user_id=user_id, reason=reason))


def _report(
    app: App,
    requester: Requester,
    *,
    room_id: str | None = None,
    event_id: str | None = None,
    user_id: str | None = None,
    reason: str | None,
) -> Report:
    return Report(app.now_ms(), requester.user_id, room_id, event_id, user_id, reason)


def _check_reason(reason: str | None) -> None:
    if reason is not None and len(reason) > REASON_MAX:
        raise errors.InvalidParam(f"reason is longer than {REASON_MAX} characters")
