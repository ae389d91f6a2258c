"""Delete what has expired: transactions of clients and servers, nonces, tokens, authentication
under way, what is remembered of keys and devices that are gone.

All of it is without effect already when it goes: whoever reads it looks at its time."""

import functools

from impl.app import App
from impl.jobs.schedule import in_batches
from impl.services import accounts, user_interactive_auth
from impl.storage import device_lists, expiry, history

BATCH_ROWS = 1_000

_DAY_MS = 86_400_000
# C-S API, "Transaction identifiers", names no time. A client that was away for a day sends anew
# what it does not know to have arrived; Synapse keeps them as long.
TRANSACTIONS_KEPT_MS = _DAY_MS
# C-S API, "Soft logout": only while a token is known can its client be told that its device, with
# its keys, is still there. So they are known for long after they have expired.
TOKENS_KEPT_MS = 90 * _DAY_MS
# One-time keys that were handed out: as long, an upload may come a second time.
CLAIMED_KEPT_MS = 7 * _DAY_MS
# That a device was deleted: as long, there may be a server that has not heard of it.
GONE_KEPT_MS = 30 * _DAY_MS
# That an event is another now: workers look every few seconds.
CHANGES_KEPT_MS = _DAY_MS // 24

# What other servers' transactions were answered with: one that comes again after that does no harm.
RECEIVED_KEPT_MS = _DAY_MS
# Which messages to devices were delivered: as long, the server that sent one may not have heard
# that it came. Synapse keeps them as long.
DELIVERED_KEPT_MS = 7 * _DAY_MS

KEPT_MS = {
    "client_transactions": TRANSACTIONS_KEPT_MS,
    "registration_nonces": accounts.NONCE_MS,
    "access_tokens": TOKENS_KEPT_MS,
    "refresh_tokens": TOKENS_KEPT_MS,
    "one_time_keys": CLAIMED_KEPT_MS,
    "received_transactions": RECEIVED_KEPT_MS,
    "received_device_messages": DELIVERED_KEPT_MS,
}


def delete_expired(app: App) -> bool:
    """One turn; True if it was not enough."""
    now_ms = app.now_ms()
    has_more = in_batches(app, lambda: user_interactive_auth.give_up_expired(app, BATCH_ROWS))
    for table, kept_ms in KEPT_MS.items():
        batch = functools.partial(_batch, app, table, now_ms - kept_ms)
        has_more |= in_batches(app, batch)
    has_more |= in_batches(app, lambda: _forget_gone(app, now_ms - GONE_KEPT_MS))
    has_more |= in_batches(app, lambda: _forget_changes(app, now_ms - CHANGES_KEPT_MS))
    return has_more


def _forget_gone(app: App, before_ts: int) -> bool:
    with app.database.transaction() as txn:
        return device_lists.delete_gone(txn, before_ts, BATCH_ROWS) == BATCH_ROWS


def _forget_changes(app: App, before_ts: int) -> bool:
    with app.database.transaction() as txn:
        return history.delete_changes(txn, before_ts, BATCH_ROWS) == BATCH_ROWS


def _batch(app: App, table: str, before_ts: int) -> bool:
    with app.database.transaction() as txn:
        return expiry.delete(txn, table, before_ts, BATCH_ROWS) == BATCH_ROWS
