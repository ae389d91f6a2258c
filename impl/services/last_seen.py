"""When and from where each device was last heard of. C-S API, "Device management".

Every request says so, and no request waits for it: what is new is kept in the worker's memory and
written a few times a minute, all devices in few statements. Who dies before that loses these
seconds."""

import logging
from typing import NamedTuple

import gevent

from impl.app import App
from impl.requester import Requester
from impl.storage import devices
from impl.storage.database import DatabaseUnavailable
from impl.storage.devices import Device

WRITE_SECONDS = 20.0
# In one statement.
ROWS_MAX = 1000
USER_AGENT_MAX = 500

_log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """When, and from which address and with what client, as far as it is known."""

    seen_ts: int
    address: str | None
    user_agent: str | None


class LastSeen:
    """What this worker has heard and not yet written."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._seen: dict[tuple[str, str], Seen] = {}
        self._greenlet: gevent.Greenlet | None = None

    def note(self, requester: Requester, address: str | None, user_agent: str | None) -> None:
        """A request came."""
        if requester.device_id is None:
            return
        # A header's bytes, shown as Latin-1, hold no NUL.
        agent = user_agent[:USER_AGENT_MAX] if user_agent else None
        seen = Seen(self._app.now_ms(), address or None, agent)
        self._seen[requester.user_id, requester.device_id] = seen
        if self._greenlet is None:
            self._greenlet = gevent.spawn_later(WRITE_SECONDS, self._write_later)

    def get(self, user_id: str, device_id: str) -> Seen | None:
        """What is not written yet of a device."""
        return self._seen.get((user_id, device_id))

    def newest(self, user_id: str, device: Device) -> Seen | None:
        """What is known of a device: this worker may know better than the database. Of the device
        that asks, it always does.
        """
        unwritten = self.get(user_id, device.device_id)
        if unwritten is not None and unwritten.seen_ts >= (device.last_seen_ts or 0):
            return unwritten
        if device.last_seen_ts is None:
            return None
        return Seen(device.last_seen_ts, device.last_seen_ip, device.last_seen_user_agent)

    def stop(self) -> None:
        """Write what is left."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._write()

    def _write_later(self) -> None:
        self._greenlet = None
        self._write()

    def _write(self) -> None:
        seen, self._seen = self._seen, {}
        rows = [(*device, *at) for device, at in seen.items()]
        try:
            for start in range(0, len(rows), ROWS_MAX):
                with self._app.database.read() as txn:
                    devices.put_last_seen(txn, rows[start : start + ROWS_MAX])
        except DatabaseUnavailable:
            # The next request of anybody brings it up again.
            self._seen = {**seen, **self._seen}
        except Exception:
            _log.exception("when devices were last seen cannot be written")
