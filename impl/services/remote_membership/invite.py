"""Inviting users of other servers: the invited server sees the event first, and signs it. S-S API,
"Inviting to a room".

The event is made at the head of the room without the room being held, since another server may take
its time; what the room has become meanwhile is looked at when the event comes back."""

import logging
from collections.abc import Sequence
from typing import Any

from gevent.pool import Pool

from impl import errors
from impl.app import App
from impl.core import identifiers, stripped_state
from impl.core.auth.selection import CREATE
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.outbound.failures import BadAnswer, FederationFailure, Refused
from impl.services import policy_server, room_reading, told_refusals
from impl.services.incoming import receive_pdu
from impl.services.room_events import batching, drafting
from impl.services.room_events.submission import Received, Submission
from impl.storage.rooms import Room

AT_A_TIME = 10
WAIT_S = 10.0

# In these rooms a server that knows no other way may still be asked by the first one.
_OLD_VERSIONS = ("1", "2")

_log = logging.getLogger(__name__)


def is_elsewhere(app: App, draft: Draft) -> bool:
    """Whether the draft is an invite that another server has to sign."""
    return (
        draft.type == "m.room.member"
        and draft.content.get("membership") == "invite"
        and draft.state_key is not None
        and identifiers.server_name_of(draft.state_key) != app.server_name
    )


def invite(app: App, room: Room, draft: Draft) -> str:
    """Invite somebody of another server, and return the event id.

    Raises Forbidden for what the room's rules refuse; what the other server says where it refuses;
    a 502 where it does not answer."""
    event = policy_server.vouch(app, room, drafting.prepare(app, room, draft))
    server = identifiers.server_name_of(draft.state_key or "")
    with app.database.read() as txn:
        _check_federated(app, txn, room)
        shown = _shown(app, txn, room, draft)
    try:
        signed = _signed(app, server, event, shown)
    except Refused as refusal:
        message = f"{server} refuses the invite: {refusal.error or refusal.errcode}"
        raise told_refusals.as_error(refusal, message) from refusal
    except FederationFailure as failure:
        raise errors.MatrixError(
            f"{server} cannot be asked about the invite: {failure.reason}", status=502
        ) from failure
    # Between the two the inviter may have been sent away, say: then nothing is kept of it.
    received = [Received(signed, is_outgoing=True, must_be_allowed=True)]
    try:
        batching.submit(app, Submission(room.room_id, [], received=received))
    except errors.Forbidden as refusal:
        raise errors.Forbidden(
            f"the room has changed meanwhile and does not allow the invite: {refusal.message}"
        ) from refusal
    return event.event_id


def invite_all(app: App, room_id: str, drafts: Sequence[Draft]) -> None:
    """Invite several, some at a time; who cannot be invited is not, and may be later. Whoever waits
    is answered before the last server has.
    """
    if not drafts:
        return
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
    pool = Pool(AT_A_TIME)
    app.spawn(pool.map, lambda draft: _try(app, room, draft), drafts).join(timeout=WAIT_S)


def _try(app: App, room: Room, draft: Draft) -> None:
    try:
        invite(app, room, draft)
    except errors.MatrixError as error:
        _log.warning("%s is not invited to %s: %s", draft.state_key, room.room_id, error.message)


def _signed(app: App, server: str, event: Event, shown: list[dict[str, Any]]) -> Event:
    """The event with the other server's signature added to ours."""
    body = {
        "event": event.pdu,
        "room_version": event.room_version.version,
        "invite_room_state": shown,
    }
    try:
        answer = app.federation.send_invite_v2(server, event.room_id, event.event_id, body)
        returned = answer.get("event")
    except Refused as refusal:
        is_old = refusal.status in (400, 404) and refusal.errcode in ("M_UNRECOGNIZED", "M_UNKNOWN")
        if not is_old or event.room_version.version not in _OLD_VERSIONS:
            raise
        pdu = {**event.pdu, "unsigned": {"invite_room_state": shown}}
        pair = app.federation.send_invite_v1(server, event.room_id, event.event_id, pdu)
        returned = pair[1].get("event") if len(pair) == 2 and isinstance(pair[1], dict) else None
    read = receive_pdu.read_pdus(app, [returned], event.room_version, event.room_id)[0]
    if not isinstance(read, Event) or read.event_id != event.event_id:
        raise BadAnswer(server, "the invite that it returns is not the one that it was sent")
    # Its signatures are all that may be new.
    signatures = {**read.pdu.get("signatures", {}), **event.pdu["signatures"]}
    return Event({**event.pdu, "signatures": signatures}, event.room_version, event.event_id)


def _check_federated(app: App, txn: Any, room: Room) -> None:
    """An invite to a room that is for one server only could never be accepted. The rules of the
    room, which look at the sender alone, let it pass.
    """
    create = room_reading.current(app, txn, room, [CREATE]).get(CREATE)
    if create is not None and create.content.get("m.federate") is False:
        raise errors.Forbidden("the room is not for users of other servers")


def _shown(app: App, txn: Any, room: Room, draft: Draft) -> list[dict[str, Any]]:
    """What the invited is shown of the room, as whole PDUs, so that their server can check them."""
    keys = [(one, "") for one in stripped_state.TYPES]
    keys.append(("m.room.member", draft.sender))
    state = room_reading.current(app, txn, room, keys)
    return [event.pdu for event in state.values()]
