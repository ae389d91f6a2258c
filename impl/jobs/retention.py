"""Delete messages that have expired: see services/expired_messages.py. `retention.purge_jobs` says
how often, for rooms of which lifetimes.
"""

from collections.abc import Iterator

from impl.app import App
from impl.config.retention import PurgeJob
from impl.jobs.schedule import Job, in_batches
from impl.services import expired_messages


class Purge:
    """One of the jobs, and where it was when its turn ended."""

    def __init__(self, job: PurgeJob) -> None:
        self._job = job
        self._left: Iterator[int] | None = None

    def purge_messages(self, app: App) -> bool:
        """One turn; True if it was not enough."""
        left = self._left
        if left is None:
            left = self._left = expired_messages.purge(app, self._job)
        has_more = False
        try:
            has_more = in_batches(app, lambda: next(left, None) is not None)
        finally:
            # What raised would say ever after that there is no more.
            if not has_more:
                self._left = None
        return has_more


def list_jobs(app: App) -> list[Job]:
    retention = app.config.retention
    if not retention.enabled:
        return []
    return [Job(Purge(one).purge_messages, one.interval / 1000) for one in retention.purge_jobs]
