"""Messages and redactions. C-S API, "Sending events to a room", "Redactions".

Whether the sender may is for the room's rules, which are checked under its lock; only what is
redacted is looked at here."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import membership, posting, rate_limiting, room_reading, suspension
from impl.services.room_events.submission import Submission
from impl.storage.idempotency import ClientTransaction

REDACTION = "m.room.redaction"
# What is left of the first would not say what room it is, and of the second, that no server may be
# in the room, ours included: state_content.py refuses such an event, too.
NOT_REDACTED = ("m.room.create", "m.room.server_acl")


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
        redacted = _find_redacted(app, requester, room_id, draft)
    else:
        draft, redacted = Draft(event_type, requester.user_id, content), None
    sent = _submit(app, requester, room_id, draft, f"send/{room_id}/{event_type}", txn_id)
    _follow_up(app, room_id, redacted)
    return sent


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
    content = {} if reason is None else {"reason": reason}
    draft = Draft(REDACTION, requester.user_id, content, redacts=event_id)
    redacted = _find_redacted(app, requester, room_id, draft)
    rate_limiting.spend(app, _limit(app, requester, redacted), requester.user_id, requester)
    sent = _submit(app, requester, room_id, draft, f"redact/{room_id}/{event_id}", txn_id)
    _follow_up(app, room_id, redacted)
    return sent


def _find_redacted(app: App, requester: Requester, room_id: str, draft: Draft) -> Event | None:
    """What is to be redacted, if it is here. Raises for what this requester, or nobody, may."""
    with app.database.read() as txn:
        redacted = room_reading.find_event(app, txn, room_id, draft.redacts or "")
    suspension.check_redaction(requester, redacted)
    if redacted is not None and redacted.is_state and redacted.type in NOT_REDACTED:
        raise errors.Forbidden(f"a room needs its {redacted.type}")
    return redacted


def _follow_up(app: App, room_id: str, redacted: Event | None) -> None:
    if redacted is not None and redacted.is_state and redacted.key == room_reading.GUEST_ACCESS:
        # What let guests in is gone, maybe.
        membership.remove_guests(app, room_id)


def _limit(app: App, requester: Requester, redacted: Event | None) -> str:
    """A redaction is a message; or one of rc_admin_redaction's, where there is such a limit and the
    event is another's, for moderators who clean up."""
    is_others = redacted is not None and redacted.sender != requester.user_id
    has_limit = app.config.rate_limits.rc_admin_redaction is not None
    return "rc_admin_redaction" if is_others and has_limit else rate_limiting.MESSAGES


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
    return posting.submit(app, Submission(room_id, [draft], transaction))[0]


def _learn_room(app: App, room_id: str) -> None:
    # Whoever is not in a room is told so, whether or not the room exists.
    with app.database.read() as txn:
        if room_reading.find(app, txn, room_id) is None:
            raise errors.Forbidden("you are not in this room")
