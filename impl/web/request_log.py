"""One line per request: who, what, how it went. Never the query, which may hold a token."""

import itertools
import logging
import os
import time

from impl.requester import Requester
from impl.web.request import Environ
from impl.web.response import Answer

_log = logging.getLogger(__name__)


class _Record(logging.LogRecord):
    """A record as `_log.info` makes it, but for looking up who called."""

    def __init__(self, fields: dict[str, object]) -> None:
        self.__dict__ = dict(_TEMPLATE)
        self.created = now = time.time()
        self.msecs = now % 1 * 1000
        self.process = os.getpid()
        self.__dict__.update(fields)


_TEMPLATE = vars(logging.LogRecord(_log.name, logging.INFO, "", 0, "request", (), None))


class RequestIds:
    """Names for requests that no other worker gives."""

    def __init__(self) -> None:
        self._prefix = os.urandom(4).hex()
        self._count = itertools.count(1)

    def next(self, environ: Environ) -> str:
        """The proxy's, if the listener has one that names requests."""
        given = environ.get("soma.request_id")
        if given and given.isascii() and given.isprintable():
            return str(given)[:128]
        return f"{self._prefix}-{next(self._count):x}"


def write(
    environ: Environ,
    path: str,
    answer: Answer,
    caller: Requester | str | None,
    request_id: str,
    seconds: float,
) -> None:
    if not _log.isEnabledFor(logging.INFO):
        return
    fields: dict[str, object] = {
        "method": environ["REQUEST_METHOD"],
        # As it was sent, and so one word; what is not ASCII might steer a terminal.
        "path": path if path.isascii() and path.isprintable() else ascii(path),
        "status": answer.status,
        "ms": round(seconds * 1000, 2),
        "bytes": answer.size,
        "address": environ.get("REMOTE_ADDR", ""),
        "request_id": request_id,
    }
    if isinstance(caller, str):
        fields["origin"] = caller
    elif caller is not None:
        fields["user_id"] = caller.user_id
    if answer.errcode is not None:
        fields["errcode"] = answer.errcode
    _log.handle(_Record(fields))
