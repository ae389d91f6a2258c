"""429 M_LIMIT_EXCEEDED: which operation counts against which rc_* key, and whose count it is.

The table follows Synapse, so that a configuration means here what it meant there. What only the use
case knows (the account that is logged in to, the user who is invited) is spent by the services.
"""

from dataclasses import dataclass

from impl.app import App
from impl.requester import Requester
from impl.services import rate_limiting


@dataclass(frozen=True, slots=True)
class Spending:
    """One limit that an operation counts against. `whose`: "user" (for who has no token, their
    address) or "address"."""

    name: str
    whose: str
    # Count what succeeded only: a registration takes several requests of which the last one counts.
    on_success: bool = False


_MESSAGE = (Spending("rc_message", "user"),)
_PROFILE = (Spending("rc_profile", "user"),)
_VALIDATION = (Spending("rc_3pid_validation", "address"),)
_REPORT = (Spending("rc_reports", "user"),)

SPENDINGS: dict[str, tuple[Spending, ...]] = {
    "sendMessage": _MESSAGE,
    "setRoomStateWithKey": _MESSAGE,
    "createRoom": (Spending("rc_room_creation", "user"), *_MESSAGE),
    # Each is an event of the user's. Who joins or invites spends in the services: it costs more,
    # and only where it can succeed.
    "knockRoom": _MESSAGE,
    "leaveRoom": _MESSAGE,
    "kick": _MESSAGE,
    "ban": _MESSAGE,
    "unban": _MESSAGE,
    "getUserProfile": _PROFILE,
    "getProfileField": _PROFILE,
    "register": (Spending("rc_registration", "address", on_success=True),),
    "registrationTokenValidity": (Spending("rc_registration_token_validity", "address"),),
    "login": (Spending("rc_login_address", "address"),),
    "createContent": (Spending("rc_media_create", "user"),),
    "searchUserDirectory": (Spending("rc_user_directory", "user"),),
    "reportRoom": _REPORT,
    "reportEvent": _REPORT,
    "reportUser": _REPORT,
    "requestTokenToRegisterEmail": _VALIDATION,
    "requestTokenToRegisterMSISDN": _VALIDATION,
    "requestTokenToResetPasswordEmail": _VALIDATION,
    "requestTokenToResetPasswordMSISDN": _VALIDATION,
    "requestTokenTo3PIDEmail": _VALIDATION,
    "requestTokenTo3PIDMSISDN": _VALIDATION,
}


def before(
    app: App, spendings: tuple[Spending, ...], requester: Requester | None, address: str
) -> None:
    """Spend, or refuse the request."""
    for spending in spendings:
        if spending.on_success:
            key = _key(spending, requester, address)
            rate_limiting.check(app, spending.name, key, requester)
    at_once = [
        (spending.name, _key(spending, requester, address), 1)
        for spending in spendings
        if not spending.on_success
    ]
    rate_limiting.spend_all(app, at_once, requester)


def after_success(
    app: App, spendings: tuple[Spending, ...], requester: Requester | None, address: str
) -> None:
    """Spend what only success costs. It was looked at before: whoever came at the same time is let
    through."""
    for spending in spendings:
        if spending.on_success:
            rate_limiting.note(app, spending.name, _key(spending, requester, address), requester)


def _key(spending: Spending, requester: Requester | None, address: str) -> str:
    return requester.user_id if spending.whose == "user" and requester else address
