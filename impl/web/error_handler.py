"""Every exception -> status, errcode and a text. C-S API, "Standard error response"; the only place
that does so."""

import logging

from impl import errors
from impl.core.rejection import Malformed, Rejected, TooLarge
from impl.storage.database import DatabaseUnavailable
from impl.web import response
from impl.web.response import Answer

_log = logging.getLogger(__name__)


def answer(error: Exception, request_id: str) -> Answer:
    """The response to a request that came to an exception."""
    refusal = error if isinstance(error, errors.MatrixError) else _as_refusal(error, request_id)
    return response.failure(refusal.status, refusal.as_json(), refusal.headers)


def _as_refusal(error: Exception, request_id: str) -> errors.MatrixError:
    if isinstance(error, TooLarge):
        return errors.TooLarge(str(error))
    if isinstance(error, Malformed):
        return errors.BadJson(str(error))
    if isinstance(error, Rejected):
        return errors.Forbidden(str(error))
    if isinstance(error, DatabaseUnavailable):
        _log.warning("the database is away: %s", error, extra={"request_id": request_id})
        return errors.Unavailable("the database is not available", headers={"Retry-After": "2"})
    # A bug of ours: the client gets what finds it in the log.
    _log.error("unhandled in a request", exc_info=error, extra={"request_id": request_id})
    return errors.Unknown(f"internal error, request {request_id}", status=500)
