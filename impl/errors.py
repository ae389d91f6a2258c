"""What a request can be answered with instead of a result. C-S API, "Standard error response".

One family: every refusal is a `MatrixError` with an HTTP status, an errcode of the specification,
and a text for the person who reads a log: a clause in lower case that names the field, where there
is one. `web/error_handler.py` alone makes responses of them."""

from collections.abc import Mapping


class MatrixError(Exception):
    """A refusal: status, errcode, message, and what else the response's JSON holds."""

    status = 400
    errcode = "M_UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        errcode: str | None = None,
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        if status is not None:
            self.status = status
        if errcode is not None:
            self.errcode = errcode

    def as_json(self) -> dict[str, object]:
        """The response's body."""
        return {**self.extra, "errcode": self.errcode, "error": self.message}


class Unknown(MatrixError):
    errcode = "M_UNKNOWN"


class Unavailable(MatrixError):
    """The server cannot do it now: the database is away, or the server is stopping."""

    status = 503
    errcode = "M_UNKNOWN"


class Forbidden(MatrixError):
    status = 403
    errcode = "M_FORBIDDEN"


class MissingToken(MatrixError):
    status = 401
    errcode = "M_MISSING_TOKEN"


class UnknownToken(MatrixError):
    status = 401
    errcode = "M_UNKNOWN_TOKEN"

    def __init__(self, message: str, *, soft_logout: bool = False) -> None:
        super().__init__(message, extra={"soft_logout": soft_logout})


class Unauthorized(MatrixError):
    """A server's signature on its request is missing or wrong."""

    status = 401
    errcode = "M_UNAUTHORIZED"


class UserDeactivated(MatrixError):
    status = 403
    errcode = "M_USER_DEACTIVATED"


class UserLocked(MatrixError):
    """C-S API, "Account locking": the session is kept for when the lock is lifted."""

    status = 401
    errcode = "M_USER_LOCKED"

    def __init__(self) -> None:
        super().__init__("this account has been locked", extra={"soft_logout": True})


class UserSuspended(MatrixError):
    """C-S API, "Account suspension"."""

    status = 403
    errcode = "M_USER_SUSPENDED"

    def __init__(self) -> None:
        super().__init__("you cannot do this while your account is suspended")


class GuestAccessForbidden(MatrixError):
    status = 403
    errcode = "M_GUEST_ACCESS_FORBIDDEN"


class InviteBlocked(MatrixError):
    status = 403
    errcode = "M_INVITE_BLOCKED"


class ServerNotTrusted(MatrixError):
    """An identity server, say, that this server has nothing to do with."""

    status = 403
    errcode = "M_SERVER_NOT_TRUSTED"


class WrongRoomKeysVersion(MatrixError):
    """Keys for a backup that is not the user's current one. C-S API, "Server-side key backups"."""

    status = 403
    errcode = "M_WRONG_ROOM_KEYS_VERSION"

    def __init__(self, current_version: str) -> None:
        super().__init__(
            "version is not the current backup", extra={"current_version": current_version}
        )


class NotFound(MatrixError):
    status = 404
    errcode = "M_NOT_FOUND"


class Unrecognized(MatrixError):
    status = 404
    errcode = "M_UNRECOGNIZED"


class ResourceLimitExceeded(MatrixError):
    """The server does not take on what is asked of it."""

    errcode = "M_RESOURCE_LIMIT_EXCEEDED"


class MethodNotAllowed(MatrixError):
    status = 405
    errcode = "M_UNRECOGNIZED"


class NotJson(MatrixError):
    errcode = "M_NOT_JSON"


class BadJson(MatrixError):
    errcode = "M_BAD_JSON"


class MissingParam(MatrixError):
    errcode = "M_MISSING_PARAM"


class InvalidParam(MatrixError):
    errcode = "M_INVALID_PARAM"


class InvalidSignature(MatrixError):
    """A signature is missing, or is not what it says. C-S API, "Cross-signing"."""

    errcode = "M_INVALID_SIGNATURE"


class TooLarge(MatrixError):
    status = 413
    errcode = "M_TOO_LARGE"


class CannotOverwriteMedia(MatrixError):
    """What was uploaded stays as it is."""

    status = 409
    errcode = "M_CANNOT_OVERWRITE_MEDIA"


class NotYetUploaded(MatrixError):
    """A file was promised and has not come yet: it may be asked for again."""

    status = 504
    errcode = "M_NOT_YET_UPLOADED"


class UserLimitExceeded(MatrixError):
    """More than the user may have. `info_uri` is where they can read of it."""

    status = 403
    errcode = "M_USER_LIMIT_EXCEEDED"

    def __init__(self, message: str, *, info_uri: str, can_upgrade: bool) -> None:
        super().__init__(message, extra={"info_uri": info_uri, "can_upgrade": can_upgrade})


class LimitExceeded(MatrixError):
    status = 429
    errcode = "M_LIMIT_EXCEEDED"

    def __init__(self, message: str, *, retry_after_ms: int) -> None:
        super().__init__(
            message,
            extra={"retry_after_ms": retry_after_ms},
            # Seconds, rounded up: to come back early would be refused again.
            headers={"Retry-After": str(-(-retry_after_ms // 1000))},
        )


class UserInUse(MatrixError):
    errcode = "M_USER_IN_USE"


class InvalidUsername(MatrixError):
    errcode = "M_INVALID_USERNAME"


class Exclusive(MatrixError):
    errcode = "M_EXCLUSIVE"


class WeakPassword(MatrixError):
    errcode = "M_WEAK_PASSWORD"


class RoomInUse(MatrixError):
    """For createRoom's alias; a PUT of an alias that exists is 409 `M_UNKNOWN`."""

    errcode = "M_ROOM_IN_USE"


class InvalidRoomState(MatrixError):
    errcode = "M_INVALID_ROOM_STATE"


class UnsupportedRoomVersion(MatrixError):
    errcode = "M_UNSUPPORTED_ROOM_VERSION"


class IncompatibleRoomVersion(MatrixError):
    """Another server does not know the version of a room, or this one does not."""

    errcode = "M_INCOMPATIBLE_ROOM_VERSION"

    def __init__(self, room_version: str) -> None:
        super().__init__(
            "the version of the room is not supported", extra={"room_version": room_version}
        )


class UnableToAuthoriseJoin(MatrixError):
    """Nobody here can tell whether a user meets a condition of a restricted room."""

    errcode = "M_UNABLE_TO_AUTHORISE_JOIN"


class UnableToGrantJoin(MatrixError):
    """A user may join a restricted room, and nobody of this server can vouch for it."""

    errcode = "M_UNABLE_TO_GRANT_JOIN"


class DuplicateAnnotation(MatrixError):
    errcode = "M_DUPLICATE_ANNOTATION"


class BadState(MatrixError):
    status = 403
    errcode = "M_BAD_STATE"


class BadAlias(MatrixError):
    errcode = "M_BAD_ALIAS"


class UserAuthenticationRequired(MatrixError):
    """User-interactive authentication is not complete: the body says what is to be done.

    C-S API, "User-Interactive Authentication API": a 401 whose `errcode` and `error` stand there
    only after a stage that failed.
    """

    status = 401

    def __init__(self, body: Mapping[str, object], *, errcode: str = "", message: str = "") -> None:
        super().__init__(message, errcode=errcode, extra=body)

    def as_json(self) -> dict[str, object]:
        return super().as_json() if self.errcode else dict(self.extra)
