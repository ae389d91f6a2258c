"""Messages and redactions. C-S API, "Sending events to a room", "Redactions".

Whether the sender may is for the room's rules, which are checked under its lock; nothing is read
here."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import rate_limiting, room_reading, suspension
from impl.services.room_events import batching
from impl.services.room_events.submission import Submission
from impl.storage.idempotency import ClientTransaction

REDACTION = "m.room.redaction"


def send(
    app: App,
    requester: Requester,
    room_id: str,
    event_type: str,
    txn_id: str,
    content: dict[str, Any],
) -> str:
    """Send a message event and return its id."""
    if event_type == REDACTION:
        draft = _redaction_draft(requester, content)
        suspension.check_redaction(app, requester, room_id, draft.redacts or "")
    else:
        draft = Draft(event_type, requester.user_id, content)
    return _submit(app, requester, room_id, draft, f"send/{room_id}/{event_type}", txn_id)


def redact(
    app: App,
    requester: Requester,
    room_id: str,
    event_id: str,
    txn_id: str,
    reason: str | None,
) -> str:
    """Redact an event and return the id of the redaction."""
    if not identifiers.is_event_id(event_id):
        raise errors.NotFound("no event has such an id")
    suspension.check_redaction(app, requester, room_id, event_id)
    _count_redaction(app, requester, room_id, event_id)
    content = {} if reason is None else {"reason": reason}
    draft = Draft(REDACTION, requester.user_id, content, redacts=event_id)
    return _submit(app, requester, room_id, draft, f"redact/{room_id}/{event_id}", txn_id)


def _count_redaction(app: App, requester: Requester, room_id: str, event_id: str) -> None:
    """A message; or one of rc_admin_redaction's, where there is such a limit and the event is
    another's, for moderators who clean up."""
    name = rate_limiting.MESSAGES
    if app.config.rate_limits.rc_admin_redaction is not None:
        with app.database.read() as txn:
            sender = room_reading.sender_of(app, txn, room_id, event_id)
        if sender not in (None, requester.user_id):
            name = "rc_admin_redaction"
    rate_limiting.spend(app, name, requester.user_id, requester)


def _redaction_draft(requester: Requester, content: dict[str, Any]) -> Draft:
    redacts = content.get("redacts")
    if not identifiers.is_event_id(redacts):
        raise errors.BadJson("redacts must be the id of an event")
    # Where it stands in the event is a matter of the room version.
    content = {key: value for key, value in content.items() if key != "redacts"}
    return Draft(REDACTION, requester.user_id, content, redacts=redacts)


def _submit(
    app: App, requester: Requester, room_id: str, draft: Draft, scope: str, txn_id: str
) -> str:
    if app.rooms.peek(room_id) is None:
        _learn_room(app, room_id)
    if "\0" in scope or "\0" in txn_id:
        raise errors.InvalidParam("the path cannot hold a NUL character")
    transaction = ClientTransaction(requester.user_id, requester.device_id or "", scope, txn_id)
    return batching.submit(app, Submission(room_id, [draft], transaction))[0]


def _learn_room(app: App, room_id: str) -> None:
    # Whoever is not in a room is told so, whether or not the room exists.
    with app.database.read() as txn:
        if room_reading.find(app, txn, room_id) is None:
            raise errors.Forbidden("you are not in this room")
