"""What a suspended user may still do, where the path alone does not say it. C-S API, "Account
suspension".
"""

from collections.abc import Mapping
from typing import Any

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import room_reading


def check_redaction(app: App, requester: Requester, room_id: str, event_id: str) -> None:
    """Raises UserSuspended for any event that is not their own."""
    if not requester.is_suspended:
        return
    with app.database.read() as txn:
        sender = room_reading.sender_of(app, txn, room_id, event_id)
    if sender != requester.user_id:
        raise errors.UserSuspended


def check_state(
    requester: Requester, event_type: str, state_key: str, content: Mapping[str, Any]
) -> None:
    """Raises UserSuspended for any state but that they leave."""
    if not requester.is_suspended:
        return
    is_own_membership = (event_type, state_key) == ("m.room.member", requester.user_id)
    if not is_own_membership or content.get("membership") != "leave":
        raise errors.UserSuspended
