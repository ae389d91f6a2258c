"""Whether a user of another server may join a room, as far as the rules of the room version cannot
know it: restricted rooms. S-S API, "Restricted rooms".

To vouch for a join is to sign it. So it is looked at when the other server asks how to join, and
again before we sign, since it need not have asked."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core.room_version import ROOM_VERSIONS
from impl.services import restricted_joins, room_reading
from impl.services.federation_serving.asker import Asker
from impl.services.room_reading import JOIN_RULES, RIGHTS
from impl.storage import memberships


def check(asking: Asker, user_id: str) -> bool:
    """Whether somebody of ours must vouch for the join. Raises Forbidden where the user may not
    join, and UnableToAuthoriseJoin where this server cannot tell.
    """
    app, txn, room = asking.app, asking.txn, asking.room
    membership = room_reading.membership(txn, room, user_id)
    if membership == "ban":
        raise errors.Forbidden("the user is banned from the room")
    if membership in ("join", "invite"):
        return False
    rules = room_reading.current(app, txn, room, [JOIN_RULES]).get(JOIN_RULES)
    if rules is not None and rules.content.get("join_rule") == "public":
        return False
    if rules is None or not restricted_joins.is_restricted(ROOM_VERSIONS[room.room_version], rules):
        raise errors.Forbidden("the user is not invited to the room")
    _check_conditions(app, txn, user_id, restricted_joins.condition_rooms(rules))
    return True


def _check_conditions(app: App, txn: Any, user_id: str, room_ids: list[str]) -> None:
    found = {room_id: room_reading.find(app, txn, room_id) for room_id in room_ids}
    # Of a room that we have left we know who was there, not who is.
    known = [
        room_id
        for room_id, room in found.items()
        if room is not None and room_reading.is_resident(txn, room)
    ]
    if memberships.is_joined_to_any(txn, user_id, known):
        return
    if len(known) < len(found):
        raise errors.UnableToAuthoriseJoin("not all rooms whose members may join are known here")
    raise errors.Forbidden("the user is not invited, nor in a room whose members may join")


def voucher(asking: Asker) -> str:
    """A user of ours who vouches. Raises UnableToGrantJoin where there is none."""
    app, txn, room = asking.app, asking.txn, asking.room
    levels = room_reading.levels_in(room, room_reading.current(app, txn, room, RIGHTS))
    found = restricted_joins.find_voucher(app, txn, room, levels)
    if found is None:
        raise errors.UnableToGrantJoin("nobody of this server in the room may invite")
    return found
