"""What can go wrong when we ask another server."""

from collections.abc import Mapping
from typing import Any


class FederationFailure(Exception):
    """Another server did not do what it was asked."""

    def __init__(self, destination: str, reason: str) -> None:
        super().__init__(f"{destination}: {reason}")
        self.destination = destination
        self.reason = reason


class Unreachable(FederationFailure):
    """No answer: its name, address, certificate or connection is no good, or it took too long."""


class Refused(FederationFailure):
    """The answer is an error. `errcode` is M_UNKNOWN where it names none."""

    def __init__(self, destination: str, status: int, body: Mapping[str, Any]) -> None:
        errcode, error = body.get("errcode"), body.get("error")
        self.status = status
        self.errcode = errcode if isinstance(errcode, str) else "M_UNKNOWN"
        self.error = error if isinstance(error, str) else ""
        self.body = body
        super().__init__(destination, f"{status} {self.errcode} {self.error}".rstrip())


class BadAnswer(FederationFailure):
    """An answer that is not what the operation answers."""
