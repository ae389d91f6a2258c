"""Filters that clients store. C-S API, "Filtering"."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import event_filter
from impl.core.rejection import Malformed
from impl.requester import Requester
from impl.storage import account_data, filters


def define(app: App, requester: Requester, user_id: str, definition: dict[str, Any]) -> str:
    """Store a filter and return its id. Raises BadJson for what is not a filter."""
    _check_own(requester, user_id)
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
    number = int(filter_id) if filter_id.isascii() and filter_id.isdigit() else -1
    definition = None
    if 0 <= number < 2**63:
        with app.database.read() as txn:
            definition = filters.get(txn, user_id, number)
    if definition is None:
        raise errors.NotFound("you have no such filter")
    return definition


def _check_own(requester: Requester, user_id: str) -> None:
    if requester.user_id != user_id:
        raise errors.Forbidden("you can only reach your own filters")
