"""What an invite shows of its room. S-S API, PUT /invite: `invite_room_state`."""

import logging
from typing import Any

from impl import errors
from impl.app import App
from impl.core import stripped_state
from impl.core.auth.selection import CREATE
from impl.core.event import Event
from impl.services import server_keys
from impl.services.incoming import receive_pdu

# Who invites waits for the answer.
KEYS_TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)


def read(app: App, invite: Event, sent: object) -> list[dict[str, Any]]:
    """As it is shown to clients. Raises InvalidParam where the room version asks for events that
    can be checked, and these are not.

    Since version 12 the create event says which room it is: its hash is the room's id. Of older
    rooms nothing can be known for certain, and what does not look right is left out."""
    if not invite.room_version.room_id_is_create_hash:
        return stripped_state.read(sent)
    if not isinstance(sent, list) or len(sent) > stripped_state.EVENTS_MAX:
        raise errors.InvalidParam("invite_room_state is not a list, or too long")
    if sent and not any(_is_whole(one) for one in sent):
        # COMPAT(Synapse until July 2026): rooms of version 12 were shown like all others.
        shown = stripped_state.read(sent)
    else:
        shown = stripped_state.read([event.pdu for event in _checked(app, invite, sent)])
    if not any((one["type"], one["state_key"]) == CREATE for one in shown):
        raise errors.InvalidParam("invite_room_state has no m.room.create of the room")
    return shown


def _is_whole(one: object) -> bool:
    return isinstance(one, dict) and not one.keys().isdisjoint(("signatures", "hashes"))


def _checked(app: App, invite: Event, sent: list[Any]) -> list[Event]:
    version = invite.room_version
    events: list[Event] = []
    for one in receive_pdu.parse(sent, version, invite.room_id):
        if not isinstance(one, Event):
            raise errors.InvalidParam(f"invite_room_state has what is no event: {one.reason}")
        events.append(receive_pdu.with_its_content(one))
    pdus = [one.pdu for one in events]
    faults = server_keys.check_event_signatures(app, pdus, version, KEYS_TIMEOUT_S)
    kept = []
    for event, fault in zip(events, faults, strict=True):
        if fault is None:
            kept.append(event)
        elif event.is_state and event.key == CREATE:
            raise errors.InvalidParam(f"invite_room_state: the create event: {fault}")
        else:
            # A server that once named the room may be gone, and its keys with it: that is no reason
            # for nobody to be invited any more.
            _log.info("%s in an invite to %s is not shown: %s", event, invite.room_id, fault)
    return kept
