"""What can go wrong when we ask another server.

The reasons are logged, kept and shown to people, and much of them is what a stranger wrote: here
they are made one line of printable text, and not too long."""

import re
from collections.abc import Mapping
from typing import Any, Self

REASON_LENGTH_MAX = 500
_ERRCODE = re.compile(r"[A-Za-z0-9_.]{1,100}", re.ASCII)
# With a status above 500 a server says them of a file, and is well itself.
_OF_MEDIA = frozenset({"M_NOT_YET_UPLOADED", "M_TOO_LARGE"})


class HttpFailure(Exception):
    """No answer. `is_untouched`: not a byte of it had come."""

    def __init__(self, reason: str, is_untouched: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_untouched = is_untouched


class FederationFailure(Exception):
    """Another server did not do what it was asked."""

    # Whether it says that the server is away, or ill: nobody need ask it for a while.
    is_away = False

    def __init__(self, destination: str, reason: str) -> None:
        reason = _tidied(reason)
        super().__init__(f"{destination}: {reason}")
        self.destination = destination
        self.reason = reason

    def bare(self) -> Self:
        """Itself, without where it was raised: the frames there have what was being read, of which
        there may be hundreds of megabytes. Whoever keeps a failure keeps it like that.
        """
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


class Unreachable(FederationFailure):
    """No answer: its name, address, certificate or connection is no good, or it took too long."""

    is_away = True


class Busy(Unreachable):
    """It answers, but we have too much to do to take it."""

    is_away = False


class Refused(FederationFailure):
    """The answer is an error. `errcode` is M_UNKNOWN where it names none."""

    def __init__(self, destination: str, status: int, body: Mapping[str, Any]) -> None:
        errcode, error = body.get("errcode"), body.get("error")
        is_code = isinstance(errcode, str) and _ERRCODE.fullmatch(errcode) is not None
        self.status = status
        self.errcode = str(errcode) if is_code else "M_UNKNOWN"
        self.error = _tidied(error) if isinstance(error, str) else ""
        self.body = body
        # Who says no is there, unless something in front of it says so.
        self.is_away = status >= 500 and self.errcode not in _OF_MEDIA
        super().__init__(destination, f"{status} {self.errcode} {self.error}".rstrip())


class BadAnswer(FederationFailure):
    """An answer that is not what the operation answers."""


def _tidied(text: str) -> str:
    """As it may stand in a log, a database and an answer."""
    text = text if len(text) <= REASON_LENGTH_MAX else text[:REASON_LENGTH_MAX] + "…"
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
