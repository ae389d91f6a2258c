"""What a suspended user may still do, where the path alone does not say it. C-S API, "Account
suspension".
"""

from collections.abc import Mapping
from typing import Any

from impl import errors
from impl.core.event import Event
from impl.requester import Requester


def check_redaction(requester: Requester, redacted: Event | None) -> None:
    """Raises UserSuspended for any event that is not their own."""
    if requester.is_suspended and (redacted is None or redacted.sender != requester.user_id):
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
