"""The user's devices. C-S API, "Device management"."""

from collections.abc import Sequence
from typing import Any

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import device_removal
from impl.services.last_seen import LastSeen
from impl.services.sessions import check_device, check_is_no_key
from impl.storage import accounts, device_keys, device_lists, devices, idempotency
from impl.storage.devices import Device


def list_devices(app: App, requester: Requester) -> list[dict[str, Any]]:
    with app.database.read() as txn:
        found = devices.list_of_user(txn, requester.user_id)
    return [_as_json(app, requester.user_id, device) for device in found]


def get_device(app: App, requester: Requester, device_id: str) -> dict[str, Any]:
    with app.database.read() as txn:
        device = devices.get(txn, requester.user_id, device_id)
    if device is None:
        raise errors.NotFound("you have no such device")
    return _as_json(app, requester.user_id, device)


def put(app: App, requester: Requester, device_id: str, display_name: str | None) -> bool:
    """Rename a device; False if it is new. An application service makes its users' devices so.
    Application Service API, "Device management"."""
    user_id = requester.user_id
    check_device(device_id, display_name)
    with app.database.transaction() as txn:
        device = devices.get(txn, user_id, device_id)
        is_new = device is None and _make(app, txn, requester, device_id, display_name)
        is_renamed = device is None or device.display_name != display_name
        if not is_new and display_name is not None and is_renamed:
            devices.put_display_name(txn, user_id, device_id, display_name)
            if device_keys.list_of_devices(txn, user_id, [device_id]):
                # Others see the name beside the keys.
                device_lists.put(txn, user_id, [device_id])
    if is_new:
        # One of this name may have had keys.
        app.page.move_keys()
    return not is_new


def _make(
    app: App, txn: Any, requester: Requester, device_id: str, display_name: str | None
) -> bool:
    """False if somebody else has made it meanwhile."""
    user_id = requester.user_id
    if not is_service(requester):
        raise errors.NotFound("you have no such device")
    if accounts.get(txn, user_id) is None:
        raise errors.Forbidden("the application service has not registered this user")
    if not devices.put(txn, user_id, device_id, display_name, app.now_ms()):
        return False
    check_is_no_key(txn, user_id, device_id)
    idempotency.delete_of_device(txn, user_id, device_id)
    return True


def is_service(requester: Requester) -> bool:
    """Whether an application service asks, with its own token."""
    return requester.appservice_id is not None and not requester.access_token_hash


def delete(app: App, requester: Requester, device_ids: Sequence[str]) -> None:
    """Log devices out for ever; those that are not there are passed over."""
    with app.database.transaction() as txn:
        named = [one for one in device_ids if "\0" not in one]
        device_removal.remove(app, txn, requester.user_id, named)
    app.page.revoke()


def _as_json(app: App, user_id: str, device: Device) -> dict[str, Any]:
    seen = app.part(LastSeen, LastSeen).newest(user_id, device)
    fields = {
        "device_id": device.device_id,
        "display_name": device.display_name,
        "last_seen_ts": seen.seen_ts if seen else None,
        "last_seen_ip": seen.address if seen else None,
    }
    return {name: value for name, value in fields.items() if value is not None}
