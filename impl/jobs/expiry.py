"""Delete what has expired: client transactions, nonces, tokens, authentication under way.

All of it is without effect already when it goes: whoever reads it looks at its time."""

from collections.abc import Callable
from typing import Any

from impl.app import App
from impl.jobs.schedule import in_batches
from impl.services import accounts, user_interactive_auth
from impl.storage import expiry

BATCH_ROWS = 1_000

_DAY_MS = 86_400_000
# C-S API, "Transaction identifiers", names no time. A client that was away for a day sends anew
# what it does not know to have arrived; Synapse keeps them as long.
TRANSACTIONS_KEPT_MS = _DAY_MS
# C-S API, "Soft logout": only while a token is known can its client be told that its device, with
# its keys, is still there. So they are known for long after they have expired.
TOKENS_KEPT_MS = 90 * _DAY_MS

Delete = Callable[[Any, int, int], int]


def delete_expired(app: App) -> bool:
    """One turn; True if it was not enough."""
    now_ms = app.now_ms()
    wanted: list[tuple[Delete, int]] = [
        (expiry.delete_client_transactions, now_ms - TRANSACTIONS_KEPT_MS),
        (expiry.delete_nonces, now_ms - accounts.NONCE_MS),
        (expiry.delete_access_tokens, now_ms - TOKENS_KEPT_MS),
        (expiry.delete_refresh_tokens, now_ms - TOKENS_KEPT_MS),
    ]
    has_more = in_batches(app, lambda: user_interactive_auth.give_up_expired(app, BATCH_ROWS))
    for delete, before_ts in wanted:
        has_more |= in_batches(app, lambda one=delete, ts=before_ts: _batch(app, one, ts))
    return has_more


def _batch(app: App, delete: Delete, before_ts: int) -> bool:
    with app.database.transaction() as txn:
        return delete(txn, before_ts, BATCH_ROWS) == BATCH_ROWS
