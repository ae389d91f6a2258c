"""When and from where each device was last heard of. C-S API, "Device management".

Every request says so, and none waits for it (written_later.py)."""

from collections.abc import Sequence
from typing import NamedTuple

from impl.app import App
from impl.requester import Requester
from impl.services.written_later import WrittenLater
from impl.storage import devices
from impl.storage.devices import Device

WRITE_SECONDS = 20.0
USER_AGENT_MAX = 500


class Seen(NamedTuple):
    """When, and from which address and with what client, as far as it is known."""

    seen_ts: int
    address: str | None
    user_agent: str | None


class LastSeen(WrittenLater[tuple[str, str], Seen]):
    """What this worker has heard and not yet written."""

    what = "when devices were last seen"

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app

    def note(self, requester: Requester, address: str | None, user_agent: str | None) -> None:
        """A request came."""
        if requester.device_id is None:
            return
        # A header's bytes, shown as Latin-1, hold no NUL.
        agent = user_agent[:USER_AGENT_MAX] if user_agent else None
        seen = Seen(self._app.now_ms(), address or None, agent)
        self._keep((requester.user_id, requester.device_id), seen, WRITE_SECONDS)

    def get(self, user_id: str, device_id: str) -> Seen | None:
        """What is not written yet of a device."""
        return self._unwritten.get((user_id, device_id))

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

    def _put(self, rows: Sequence[tuple[tuple[str, str], Seen]]) -> None:
        with self._app.database.read() as txn:
            devices.put_last_seen(txn, [(*device, *at) for device, at in rows])
