"""What another server says where it refuses something that a client of ours wants, as the client is
told. C-S API, "Standard error response".

Clients act on some errors by themselves: they drop their token, and with it their keys, or say that
the account is gone. Such are for the user's own server to give: whoever else says them has said no
and nothing more."""

from collections.abc import Mapping

from impl import errors
from impl.outbound.failures import Refused

# About who asks us, by their token or their account.
_OF_THE_OWN_SERVER = frozenset(
    {
        "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM",
        "M_MISSING_TOKEN",
        "M_UNKNOWN_DEVICE",
        "M_UNKNOWN_TOKEN",
        "M_USER_DEACTIVATED",
        "M_USER_LIMIT_EXCEEDED",
        "M_USER_LOCKED",
        "M_USER_SUSPENDED",
    }
)


def as_error(
    refusal: Refused, message: str, extra: Mapping[str, object] | None = None
) -> errors.MatrixError:
    """The error for the client, with a text of ours and perhaps more of what the other said."""
    is_ours_to_say = refusal.errcode.upper() in _OF_THE_OWN_SERVER
    status = refusal.status if 400 <= refusal.status < 500 else 502
    return errors.MatrixError(
        message,
        # With 401 clients ask for a new token, whatever the errcode.
        status=403 if status == 401 else status,
        errcode="M_FORBIDDEN" if is_ours_to_say else refusal.errcode,
        extra={} if is_ours_to_say else extra,
    )
