"""What is done with files in their time: see services/media/upkeep.py."""

import functools

from impl.app import App
from impl.jobs.schedule import in_batches
from impl.services.media import upkeep

BATCH_ROWS = 500


def sweep(app: App) -> bool:
    """Promises that nobody kept, and what a killed process left."""
    has_more = in_batches(app, lambda: upkeep.end_promises(app, BATCH_ROWS))
    upkeep.sweep(app, BATCH_ROWS)
    return has_more


def delete_unasked(app: App) -> bool:
    """`media_retention`."""
    has_more = False
    for batch in (upkeep.delete_unasked_of_others, upkeep.delete_unasked_of_ours):
        has_more |= in_batches(app, functools.partial(batch, app, BATCH_ROWS))
    return has_more
