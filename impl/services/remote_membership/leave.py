"""Declining an invite to a room that this server is not in, or taking back a knock. S-S API,
"Leaving Rooms (Rejecting Invites)".

Who wants out is out, whoever answers: where no server takes the news in time, nobody but we know
of it.

Of a room that others of ours are in, and whose members are not all known yet, the same goes once
these do not come in time: else the room itself says that the user is invited, and they leave it
like anybody else."""

import logging

import gevent

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.services import member_content, out_of_band
from impl.services.remote_history import waiting
from impl.services.remote_membership import asking, template

# So long a user waits for servers that may be gone for ever.
WAIT_S = 10.0

_log = logging.getLogger(__name__)


def leave(app: App, user_id: str, room_id: str, reason: str | None) -> bool:
    """False where the user's membership is not one that came alone."""
    found = _find(app, room_id, user_id)
    if found is None:
        return False
    try:
        if waiting.until_whole(app, room_id, WAIT_S):
            found = _find(app, room_id, user_id)
            if found is None:
                return False
    except errors.Unavailable as error:
        _log.info("%s leaves %s as it is: %s", user_id, room_id, error.message)
    inviter = identifiers.server_name_of(found.event.sender)
    servers = asking.in_order(app, [found.via, inviter])
    draft = Draft(
        "m.room.member", user_id, member_content.make("leave", reason=reason), state_key=user_id
    )
    try:
        with gevent.Timeout(WAIT_S, errors.Unavailable("nobody has answered in time")):
            asking.to_its_end(app, lambda: _tell(app, servers, room_id, draft))
    except errors.MatrixError as error:
        _log.info("%s leaves %s without its servers: %s", user_id, room_id, error.message)
        out_of_band.leave(app, room_id, user_id, reason)
    return True


def _tell(app: App, servers: list[str], room_id: str, draft: Draft) -> None:
    server, event = asking.first(
        servers, f"leaving {room_id}", lambda server: _through(app, server, room_id, draft)
    )
    # It may have taken so long that they have left without.
    if _find(app, room_id, draft.sender) is None:
        return
    if not out_of_band.keep(app, out_of_band.Told(event, server)):
        # Others of ours are in the room, which does not say yet that the user was invited.
        out_of_band.leave(app, room_id, draft.sender, draft.content.get("reason"))


def _find(app: App, room_id: str, user_id: str) -> out_of_band.Found | None:
    """The invite or knock that came alone."""
    with app.database.read() as txn:
        found = out_of_band.find(app, txn, room_id, user_id)
    return found if found is not None and found.membership in ("invite", "knock") else None


def _through(app: App, server: str, room_id: str, draft: Draft) -> tuple[str, Event]:
    answer = app.federation.make_leave(server, room_id, draft.sender)
    event = template.own_event(app, server, answer, draft, room_id)
    app.federation.send_leave_v2(server, room_id, event.event_id, event.pdu)
    return server, event
