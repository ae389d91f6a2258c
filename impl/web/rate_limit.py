"""429 M_LIMIT_EXCEEDED: which operation counts against which rc_* key, and whose count it is.

The table follows Synapse, so that a configuration means here what it meant there. What only the use
case knows (the account that is logged in to, the user who is invited) is spent by the services.
"""

from contextlib import suppress
from dataclasses import dataclass

from impl import errors
from impl.app import App
from impl.config import Config
from impl.requester import Requester
from impl.services import rate_limiting


@dataclass(frozen=True, slots=True)
class Spending:
    """One limit that an operation counts against. `whose`: "user", "address", or "room" for the
    path's room."""

    name: str
    whose: str
    # Count what succeeded only: a registration takes several requests of which the last one counts.
    on_success: bool = False
    # A limit of their own for administrators, where the configuration has one.
    admin_name: str = ""


_MESSAGE = (Spending("rc_message", "user"),)
_JOIN = (Spending("rc_joins_local", "user"),)
_VALIDATION = (Spending("rc_3pid_validation", "address"),)
_REPORT = (Spending("rc_reports", "user"),)

SPENDINGS: dict[str, tuple[Spending, ...]] = {
    "sendMessage": _MESSAGE,
    "setRoomStateWithKey": _MESSAGE,
    "redactEvent": (Spending("rc_message", "user", admin_name="rc_admin_redaction"),),
    "createRoom": (Spending("rc_room_creation", "user"),),
    "joinRoom": _JOIN,
    "joinRoomById": _JOIN,
    "knockRoom": _JOIN,
    "inviteUser": (
        Spending("rc_invites_per_room", "room"),
        Spending("rc_invites_per_issuer", "user"),
    ),
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


def unlimited_services(config: Config) -> frozenset[str]:
    """The application services that are not held to any limit."""
    return frozenset(
        service.id for service in config.application_services if not service.rate_limited
    )


def before(
    app: App,
    spendings: tuple[Spending, ...],
    requester: Requester | None,
    address: str,
    path_values: list[str],
) -> None:
    """Spend, or refuse the request."""
    for spending in spendings:
        name = _name(app, spending, requester)
        key = _key(spending, requester, address, path_values)
        (rate_limiting.check if spending.on_success else rate_limiting.spend)(app, name, key)


def after_success(app: App, spendings: tuple[Spending, ...], address: str) -> None:
    """Spend what only success costs. It was looked at before: whoever came at the same time is let
    through."""
    for spending in spendings:
        if spending.on_success:
            with suppress(errors.LimitExceeded):
                rate_limiting.spend(app, spending.name, address)


def _name(app: App, spending: Spending, requester: Requester | None) -> str:
    own = spending.admin_name if requester and requester.is_admin else ""
    has_own = own and getattr(app.config.rate_limits, own) is not None
    return own if has_own else spending.name


def _key(
    spending: Spending, requester: Requester | None, address: str, path_values: list[str]
) -> str:
    if spending.whose == "room":
        return path_values[0]
    return requester.user_id if spending.whose == "user" and requester else address
