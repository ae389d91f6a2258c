"""api-specs/client-server/device_management.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class DeleteDeviceBody(Struct, kw_only=True):
    auth: dict[str, Any] | None = None


class DeleteDevicesBody(Struct, kw_only=True):
    devices: list[str]
    auth: dict[str, Any] | None = None


class UpdateDeviceBody(Struct, kw_only=True):
    display_name: str | None = None


class ClientDeviceDict(TypedDict):
    device_id: str
    display_name: NotRequired[str]
    last_seen_ip: NotRequired[str]
    last_seen_ts: NotRequired[int]


GetDeviceResponse: TypeAlias = ClientDeviceDict


class GetDevicesResponse(TypedDict):
    devices: NotRequired[list[ClientDeviceDict]]


UpdateDeviceResponse: TypeAlias = dict[str, Any]


DeleteDeviceResponse: TypeAlias = dict[str, Any]


DeleteDevicesResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_devices(
        self,
        app: Any,
        requester: Any,
    ) -> GetDevicesResponse | dict[str, Any]: ...

    def get_device(
        self,
        app: Any,
        requester: Any,
        device_id: str,
    ) -> GetDeviceResponse | dict[str, Any]: ...

    def update_device(
        self,
        app: Any,
        requester: Any,
        device_id: str,
        body: UpdateDeviceBody,
    ) -> UpdateDeviceResponse | dict[str, Any]: ...

    def delete_device(
        self,
        app: Any,
        requester: Any,
        device_id: str,
        body: DeleteDeviceBody,
    ) -> DeleteDeviceResponse | dict[str, Any]: ...

    def delete_devices(
        self,
        app: Any,
        requester: Any,
        body: DeleteDevicesBody,
    ) -> DeleteDevicesResponse | dict[str, Any]: ...


def get_devices(
    app: Any,
    requester: Any,
) -> GetDevicesResponse | dict[str, Any]:
    """GET /_matrix/client/v3/devices"""
    raise Unrecognized("getDevices")


def get_device(
    app: Any,
    requester: Any,
    device_id: str,
) -> GetDeviceResponse | dict[str, Any]:
    """GET /_matrix/client/v3/devices/{deviceId}"""
    raise Unrecognized("getDevice")


def update_device(
    app: Any,
    requester: Any,
    device_id: str,
    body: UpdateDeviceBody,
) -> UpdateDeviceResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/devices/{deviceId}"""
    raise Unrecognized("updateDevice")


def delete_device(
    app: Any,
    requester: Any,
    device_id: str,
    body: DeleteDeviceBody,
) -> DeleteDeviceResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/devices/{deviceId}"""
    raise Unrecognized("deleteDevice")


def delete_devices(
    app: Any,
    requester: Any,
    body: DeleteDevicesBody,
) -> DeleteDevicesResponse | dict[str, Any]:
    """POST /_matrix/client/v3/delete_devices"""
    raise Unrecognized("deleteDevices")
