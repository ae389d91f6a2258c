"""Filters that clients store. C-S API, "Filtering"."""

import json
import re
from typing import Any

from impl import errors
from impl.app import App
from impl.core import event_filter
from impl.core.rejection import Malformed
from impl.requester import Requester
from impl.storage import account_data, filters

# It is kept in the memory of every worker that its user polls.
DEFINITION_BYTES_MAX = 256 << 10
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


def define(app: App, requester: Requester, user_id: str, definition: dict[str, Any]) -> str:
    """Store a filter and return its id. Raises BadJson for what is not a filter."""
    _check_own(requester, user_id)
    if len(json.dumps(definition)) > DEFINITION_BYTES_MAX:
        raise errors.TooLarge(f"a filter has at most {DEFINITION_BYTES_MAX} bytes")
    try:
        event_filter.read(definition)
    except Malformed as error:
        raise errors.BadJson(str(error)) from error
    with app.database.transaction() as txn:
        # One at a time for each user, so that no two filters get one id.
        account_data.lock(txn, user_id)
        return str(filters.put(txn, user_id, definition))


def get(app: App, requester: Requester, user_id: str, filter_id: str) -> dict[str, Any]:
    """Raises NotFound."""
    _check_own(requester, user_id)
    definition = None
    # Of no more digits than a BIGINT has: what has thousands, Python does not even read.
    if _ID.fullmatch(filter_id):
        with app.database.read() as txn:
            definition = filters.get(txn, user_id, int(filter_id))
    if definition is None:
        raise errors.NotFound("you have no such filter")
    return definition


def _check_own(requester: Requester, user_id: str) -> None:
    if requester.user_id != user_id:
        raise errors.Forbidden("you can only reach your own filters")
