"""Drop send-to-device messages that nobody will ever read.

Whoever comes back after weeks finds keys of messages in rooms that are long out of sight; a device
that is used, but takes no message for months, does not ask for any: it never syncs. What is for
devices that are gone went with them. Only what waits for a dehydrated device has all the time there
is (services/dehydrated_devices.py)."""

from impl.app import App
from impl.jobs.schedule import in_batches
from impl.storage import destinations, outgoing, to_device

BATCH_ROWS = 1_000

_DAY_MS = 86_400_000
# To a device that nobody has used for as long. Synapse keeps them as long.
IDLE_MS = 30 * _DAY_MS
# To any device.
KEPT_MS = 90 * _DAY_MS


def drop_unread(app: App) -> bool:
    """One turn; True if it was not enough."""
    return in_batches(app, lambda: _batch(app))


def drop_undeliverable(app: App) -> bool:
    """The same of those for servers that have not been there for as long, and of what is noted of
    servers that nobody has tried to reach for a while.
    """
    return in_batches(app, lambda: _batch_of_others(app))


def _batch_of_others(app: App) -> bool:
    now_ms = app.now_ms()
    with app.database.transaction() as txn:
        dropped = outgoing.delete_old_to_device(txn, now_ms - IDLE_MS, BATCH_ROWS)
        forgotten = destinations.delete_old_failures(txn, now_ms, BATCH_ROWS)
    return max(dropped, forgotten) == BATCH_ROWS


def _batch(app: App) -> bool:
    now_ms = app.now_ms()
    with app.database.transaction() as txn:
        dropped = to_device.delete_unread(txn, now_ms - IDLE_MS, now_ms - KEPT_MS, BATCH_ROWS)
    return dropped == BATCH_ROWS
