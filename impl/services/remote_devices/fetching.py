"""Fetching the device lists that are in doubt. S-S API, "Device Management".

That a list is to be fetched is a row with a time, so nothing is forgotten, whoever is killed. Who
takes a row puts its time off for as long as the work may last: nobody else takes it meanwhile, and
if nothing comes of it somebody does then. A server is asked for one user after the other; what
cannot be fetched is tried again, later each time. The worker that came to doubt begins at once, the
background process looks every few seconds for what nobody sees to (jobs/update_device_lists.py).
"""

import logging
from collections.abc import Sequence

import gevent

from impl import errors
from impl.app import App
from impl.core import told_keys
from impl.core.rejection import Malformed
from impl.outbound.failures import FederationFailure, Unreachable
from impl.services.remote_devices import lists
from impl.storage import remote_devices
from impl.storage.database import DatabaseUnavailable
from impl.storage.remote_devices import DeviceList

SERVERS_AT_ONCE = 20
BATCH_USERS = 20
# So long may a batch take.
TAKEN_MS = 600_000
RETRY_MS = 30_000
RETRY_MS_MAX = 3_600_000
_DOUBLINGS_MAX = 10

_log = logging.getLogger(__name__)


def wake(app: App, server_name: str) -> None:
    """See to a server of which something is due, unless this worker does already, or has its hands
    full.
    """
    app.part(Fetchers, Fetchers).start(server_name)


def take_up(app: App) -> None:
    """See to what nobody sees to."""
    with app.database.read() as txn:
        due = remote_devices.list_servers_due(txn, app.now_ms(), 10 * SERVERS_AT_ONCE)
    for server_name in due:
        wake(app, server_name)


def wait(app: App) -> None:
    """Until nothing is under way here."""
    gevent.joinall(list(app.part(Fetchers, Fetchers).running.values()))


def next_try_ts(app: App, attempts: int) -> int:
    """When something is tried again that failed so often before."""
    return app.now_ms() + min(RETRY_MS << min(attempts, _DOUBLINGS_MAX), RETRY_MS_MAX)


class Fetchers:
    """This worker's greenlets, one for each server that it asks."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.running: dict[str, gevent.Greenlet] = {}
        # Of these more came while we were at it.
        self._woken: set[str] = set()

    def start(self, server_name: str) -> None:
        if self._app.is_stopping:
            return
        if server_name in self.running:
            self._woken.add(server_name)
        elif len(self.running) < SERVERS_AT_ONCE:
            self.running[server_name] = gevent.spawn(self._run, server_name)

    def stop(self) -> None:
        """Others go on with it, when the time of what was taken has come."""
        gevent.killall(list(self.running.values()))

    def _run(self, server_name: str) -> None:
        try:
            while not self._app.is_stopping:
                self._woken.discard(server_name)
                if not _turn(self._app, server_name) and server_name not in self._woken:
                    return
        except (DatabaseUnavailable, errors.Unavailable) as error:
            _log.warning("device lists of %s wait: %s", server_name, error)
        except Exception:
            _log.exception("device lists of %s wait", server_name)
        finally:
            self._woken.discard(server_name)
            self.running.pop(server_name, None)


def _turn(app: App, server_name: str) -> bool:
    """Fetch some of what is due; False if there is nothing, or the server does not answer."""
    now_ms = app.now_ms()
    with app.database.at_once() as txn:
        taken = remote_devices.take_due(txn, server_name, now_ms, now_ms + TAKEN_MS, BATCH_USERS)
    for number, known in enumerate(taken):
        if app.is_stopping:
            return False
        try:
            _fetch(app, server_name, known)
        except Unreachable as failure:
            _log.info("device lists of %s are tried again later: %s", server_name, failure)
            _put_off_server(app, server_name, taken[number:])
            return False
        except (FederationFailure, Malformed) as failure:
            _log.info("the devices of %s are not known: %s", known.user_id, failure)
            with app.database.at_once() as txn:
                remote_devices.put_off(txn, [known.user_id], [next_try_ts(app, known.attempts)])
    return bool(taken)


def _fetch(app: App, server_name: str, known: DeviceList) -> None:
    answer = app.federation.get_user_devices(server_name, known.user_id)
    told = told_keys.read_user_devices(answer, known.user_id)
    lists.store(app, {known.user_id: told}, {known.user_id: known.heard_count})


def _put_off_server(app: App, server_name: str, taken: Sequence[DeviceList]) -> None:
    """It does not answer: these and all others that are due, but for what is put off already."""
    due_ts = next_try_ts(app, taken[0].attempts)
    left = [one.user_id for one in taken]
    with app.database.transaction() as txn:
        remote_devices.put_off(txn, left, [due_ts] * len(left))
        remote_devices.put_off_server(txn, server_name, due_ts)
