"""A room's policy server: it looks at events before they count as recommended, and signs those that
do. S-S API, "Policy Servers".

What comes from elsewhere without its signature is shown to it, and soft-failed where it does not
sign; what our users send is shown to it before it is sent, and not sent where it does not sign. It
is asked while nobody waits for the room."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gevent
import msgspec
from gevent.pool import Pool

from impl import errors
from impl.app import App
from impl.core import policy_server
from impl.core.event import Event
from impl.core.policy_server import POLICY, PolicyServer
from impl.outbound.failures import BadAnswer, FederationFailure, Refused, Unreachable
from impl.services import room_reading, told_refusals
from impl.services.room_events.submission import Received
from impl.storage import memberships, room_servers, room_state
from impl.storage.rooms import Room

# How long an event waits for it, and how many are shown to it at once.
ASK_S = 10.0
# All of what came together: its sender waits as well, and tries again what takes too long.
JUDGE_S_MAX = 20.0
# What its refusal may hold besides its reason.
MORE_BYTES_MAX = 16_384
AT_ONCE = 10

_log = logging.getLogger(__name__)

Arrivals = Sequence[tuple[Room, Sequence[Received]]]


def of_rooms(app: App, txn: Any, room_nids: Sequence[int]) -> dict[int, PolicyServer]:
    """room_nid -> its policy server, of those rooms that use one now."""
    rows = room_state.list_of_rooms(txn, room_nids, [POLICY[0]])
    named = [(room_nid, nid) for room_nid, _, state_key, nid in rows if state_key == POLICY[1]]
    found: dict[int, PolicyServer] = {}
    for stored in app.events.get_many(txn, named).values() if named else ():
        policy = policy_server.read(room_reading.content_of(stored))
        if policy is not None and _is_in(app, txn, stored.room_nid, policy.server_name):
            found[stored.room_nid] = policy
    return found


def judge(app: App, arrivals: Arrivals) -> list[list[Received]]:
    """The same events, the newer ones of them with the signature of their room's policy server, or
    discouraged where there is none to be had.
    """
    with app.database.read() as txn:
        policies = of_rooms(app, txn, [room.room_nid for room, _ in arrivals])
    ends_s = time.monotonic() + JUDGE_S_MAX

    def judge_in_room(room: Room, received: Sequence[Received]) -> list[Received]:
        policy = policies.get(room.room_nid)
        if policy is None:
            return list(received)
        asking = _Asking(app, policy, ends_s)
        return Pool(AT_ONCE).map(asking.judge, received)  # type: ignore[no-any-return]

    # All rooms at the same time: who sends us events of many waits for the slowest of them.
    asked = [gevent.spawn(judge_in_room, *arrival) for arrival in arrivals]
    try:
        return [one.get() for one in asked]
    finally:
        gevent.killall(asked)


def vouch(app: App, room: Room, event: Event) -> Event:
    """An event of ours with the signature of the room's policy server, if it has to have one.

    Raises what that says where it refuses; a 502 where it does not answer."""
    with app.database.read() as txn:
        policy = of_rooms(app, txn, [room.room_nid]).get(room.room_nid)
    if policy is None or policy_server.is_exempt(event.type, event.state_key):
        return event
    try:
        return _ask(app, policy, event)
    except Refused as refusal:
        message = refusal.error or "the room's policy server refuses the event"
        raise told_refusals.as_error(refusal, message, _more(refusal)) from refusal
    except FederationFailure as failure:
        raise errors.MatrixError(
            f"the room's policy server cannot be asked: {failure.reason}", status=502
        ) from failure


def _more(refusal: Refused) -> Mapping[str, object]:
    """What else it says, if that is not too much."""
    more = {name: one for name, one in refusal.body.items() if name not in ("errcode", "error")}
    return more if len(msgspec.json.encode(more)) <= MORE_BYTES_MAX else {}


def _is_in(app: App, txn: Any, room_nid: int, server_name: str) -> bool:
    """A server that has nobody in the room need not be asked."""
    if server_name == app.server_name:
        return bool(memberships.list_joined_here(txn, [room_nid]))
    return room_servers.is_in_room(txn, room_nid, server_name)


@dataclass
class _Asking:
    """Some events of a room, to be shown to its policy server."""

    app: App
    policy: PolicyServer
    # By the clock that never jumps.
    ends_s: float
    is_unreachable: bool = False

    def judge(self, received: Received) -> Received:
        event = received.event
        if received.is_outlier or received.is_backfilled:
            return received
        if policy_server.is_exempt(event.type, event.state_key) or self.policy.has_signed(event):
            return received
        try:
            left_s = self.ends_s - time.monotonic()
            if not self.is_unreachable and left_s > 0:
                timeout_s = min(ASK_S, left_s)
                return replace(received, event=_ask(self.app, self.policy, event, timeout_s))
        except FederationFailure as failure:
            self.is_unreachable = isinstance(failure, Unreachable)
            _log.info("%s in %s is not vouched for: %s", event.event_id, event.room_id, failure)
        return replace(received, is_discouraged=True)


def _ask(app: App, policy: PolicyServer, event: Event, timeout_s: float = ASK_S) -> Event:
    """The event with the signature of the policy server. Raises FederationFailure."""
    name = policy.server_name
    answer = app.federation.ask_policy_server_to_sign(name, event.pdu, timeout_s)
    signature = policy_server.signature_in(answer, name)
    if signature is not None:
        signed = policy_server.with_signature(event, name, signature)
        if policy.has_signed(signed):
            return signed
    raise BadAnswer(name, "it did not sign the event with the key that the room knows")
