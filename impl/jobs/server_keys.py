"""Forget the keys of servers that nobody has to do with.

Anybody can make up servers, and have each of them ask us something, which takes its keys. What is
needed is asked for again before it ends (services/server_keys.py). So what was not fetched for days
goes, but for servers that are in a room or have sent something there: their old events can only be
checked with old keys, and they may be gone."""

from impl.app import App
from impl.jobs.schedule import in_batches
from impl.storage import server_keys

# Each batch looks at all memberships once.
BATCH_SERVERS = 2_000
_DAY_MS = 86_400_000
KEPT_MS = 2 * _DAY_MS


def forget_strangers(app: App) -> bool:
    """One turn; True if it was not enough."""
    sweep = app.part(_Sweep, _Sweep)
    return in_batches(app, sweep.batch)


class _Sweep:
    """Goes on after a turn where that has ended: most of what it finds may be needed."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._after = ""

    def batch(self) -> bool:
        before_ts = self._app.now_ms() - KEPT_MS
        with self._app.database.transaction() as txn:
            names = server_keys.list_unused(txn, before_ts, self._after, BATCH_SERVERS)
            if names:
                server_keys.delete_unneeded(txn, names, before_ts)
        has_more = len(names) == BATCH_SERVERS
        self._after = names[-1] if has_more else ""
        return has_more
