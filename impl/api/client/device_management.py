"""api-specs/client-server/device_management.yaml"""

from typing import Any

import msgspec

from generated.client.device_management import (
    DeleteDeviceBody,
    DeleteDevicesBody,
    GetDevicesResponse,
    UpdateDeviceBody,
)
from impl.app import App
from impl.requester import Requester
from impl.services import devices
from impl.services import user_interactive_auth as ui_auth
from impl.services.created import Created


def get_devices(app: App, requester: Requester) -> GetDevicesResponse | dict[str, Any]:
    return {"devices": devices.list_devices(app, requester)}


def get_device(app: App, requester: Requester, device_id: str) -> dict[str, Any]:
    return devices.get_device(app, requester, device_id)


def update_device(
    app: App, requester: Requester, device_id: str, body: UpdateDeviceBody
) -> dict[str, Any]:
    return {} if devices.put(app, requester, device_id, body.display_name) else Created()


def delete_device(
    app: App, requester: Requester, device_id: str, body: DeleteDeviceBody | None
) -> dict[str, Any]:
    request = {"device": device_id, "auth": body.auth if body else None}
    if not devices.is_service(requester):
        request = ui_auth.authenticate_user(
            app, requester, "delete_device", request, may_be_recent=True
        )
    devices.delete(app, requester, [request["device"]])
    return {}


def delete_devices(app: App, requester: Requester, body: DeleteDevicesBody) -> dict[str, Any]:
    request = msgspec.structs.asdict(body)
    if not devices.is_service(requester):
        request = ui_auth.authenticate_user(
            app, requester, "delete_devices", request, may_be_recent=True
        )
    devices.delete(app, requester, request["devices"])
    return {}
