"""How large a room is, and whether it is too large for this server to join: `limit_remote_rooms`.

A server in the room is asked first. One that does not say is joined through all the same, and the
room left again if it turns out to be too large: only who sends a join hears the state."""

import math
from collections.abc import Sequence

from impl import errors
from impl.app import App
from impl.outbound.failures import FederationFailure
from impl.requester import Requester
from impl.services.federation_serving import asker
from impl.storage import room_state

# Complexity 1 is a room with so many state events. Synapse's measure, which its servers share.
STATE_EVENTS = 500
SERVERS_ASKED_MAX = 3


def tell(app: App, origin: str, room_id: str) -> dict[str, float]:
    """What another server is told that is about to join."""
    with app.database.read() as txn:
        asked = asker.open_room(app, txn, origin, room_id)
        return {"v1": room_state.count(txn, asked.room.room_nid) / STATE_EVENTS}


def is_limited(app: App, requester: Requester) -> bool:
    """Whether the requester may join no room that is too large."""
    limit = app.config.limit_remote_rooms
    return limit.enabled and not (limit.admins_can_join and requester.is_admin)


def check_told(app: App, room_id: str, servers: Sequence[str]) -> None:
    """Raises if a server in the room says that it is too large."""
    for server in servers[:SERVERS_ASKED_MAX]:
        try:
            told = app.federation.get_room_complexity(server, room_id).get("v1")
        except FederationFailure:
            continue
        if isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told):
            _check(app, told)
            return


def check_here(app: App, room_nid: int) -> None:
    """Raises if a room that is here by now is too large."""
    with app.database.read() as txn:
        _check(app, room_state.count(txn, room_nid) / STATE_EVENTS)


def _check(app: App, complexity: float) -> None:
    limit = app.config.limit_remote_rooms
    if complexity > limit.complexity:
        raise errors.ResourceLimitExceeded(limit.complexity_error)
