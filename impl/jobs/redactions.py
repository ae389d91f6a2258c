"""Replace what was redacted by its redacted form, once it was kept for long enough.

Nobody is shown the original from the moment of the redaction (client_events.visible_pdu), and to
redact twice is to redact once: so it makes no difference to a worker whether the event in its cache
is the one or the other. Hashes and signatures are of the redacted form from the beginning."""

from impl.app import App
from impl.core import redaction
from impl.jobs.schedule import in_batches
from impl.storage import redactions

BATCH_EVENTS = 100


def drop_originals(app: App) -> bool:
    """One turn; True if it was not enough."""
    retention_ms = app.config.redaction_retention_period
    if retention_ms is None:
        return False
    before_ts = app.now_ms() - retention_ms
    return in_batches(app, lambda: _batch(app, before_ts))


def _batch(app: App, before_ts: int) -> bool:
    with app.database.transaction() as txn:
        originals = redactions.lock_originals(txn, before_ts, BATCH_EVENTS)
        redactions.replace_originals(
            txn,
            [
                (room_nid, event_nid, redaction.redact(pdu, version))
                for room_nid, event_nid, pdu, version in originals
            ],
        )
    for _, event_nid, _, _ in originals:
        app.events.forget(event_nid)
    return len(originals) == BATCH_EVENTS
