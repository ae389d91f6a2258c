"""The loop of the periodic jobs: each in its turn, one after the other, in one process of all
machines.

Which process that is, a lease says (storage/lease.py); the others look now and then whether it is
free. A job that fails is logged, and tried again when it is due: jobs are such that one that was
cut off anywhere may begin anew."""

import logging
import time
from collections.abc import Sequence

from impl.app import App
from impl.jobs import (
    expiry,
    forward_extremities,
    media,
    purged_rooms,
    redactions,
    retention,
    server_keys,
    to_device,
)
from impl.jobs.schedule import Job
from impl.storage.database import DatabaseUnavailable
from impl.storage.lease import Lease

LEASE = "periodic jobs"
# What is asked of a lease that another has, and of a job that has more to do.
STANDBY_S = 30.0
MORE_S = 1.0
# A server that starts has other things to do.
START_S = 15.0

JOBS: Sequence[Job] = (
    Job(expiry.delete_expired, 300),
    Job(redactions.drop_originals, 300),
    Job(forward_extremities.join_branches, 60),
    Job(purged_rooms.sweep, 300),
    Job(to_device.drop_unread, 3600),
    Job(to_device.drop_undeliverable, 3600),
    Job(server_keys.forget_strangers, 3600),
    Job(media.sweep, 600),
    # As often as Synapse looks.
    Job(media.delete_unasked, 3600),
)

_log = logging.getLogger(__name__)


def run(app: App) -> None:
    """Run the jobs, when the lease is ours, until the server stops."""
    if app.pause(START_S):
        run_jobs(app, [*JOBS, *retention.list_jobs(app)])


def run_jobs(app: App, jobs: Sequence[Job]) -> None:
    """The loop itself; all jobs are due at its beginning."""
    lease = Lease(app.database, LEASE)
    due = dict.fromkeys(jobs, time.monotonic())
    try:
        while not app.is_stopping:
            app.pause(_turn(app, lease, due))
    finally:
        lease.release()


def _turn(app: App, lease: Lease, due: dict[Job, float]) -> float:
    """Run what is due; returns how long there is nothing to do, in seconds."""
    for job in due:
        if app.is_stopping or time.monotonic() < due[job]:
            continue
        try:
            if not lease.hold():
                return STANDBY_S
        except DatabaseUnavailable as error:
            _log.warning("the periodic jobs wait: %s", error)
            return STANDBY_S
        has_more = _run(app, job)
        due[job] = time.monotonic() + (min(MORE_S, job.interval_s) if has_more else job.interval_s)
    return max(0.0, min(due.values(), default=STANDBY_S) - time.monotonic())


def _run(app: App, job: Job) -> bool:
    try:
        return bool(job.run(app))
    except DatabaseUnavailable as error:
        _log.warning("the job %s is tried again: %s", job.name, error)
    except Exception:
        _log.exception("the job %s failed; again in %.0f s", job.name, job.interval_s)
    return False
