"""api-specs/server-server/user_devices.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class DeviceKeysDict(TypedDict):
    user_id: str
    device_id: str
    algorithms: list[str]
    keys: dict[str, str]
    signatures: dict[str, dict[str, str]]


class GetUserDevicesResponse(TypedDict):
    user_id: str
    stream_id: int
    devices: list[GetUserDevicesResponseDevicesItem]
    master_key: NotRequired[GetUserDevicesResponseMasterKey]
    self_signing_key: NotRequired[GetUserDevicesResponseSelfSigningKey]


class GetUserDevicesResponseDevicesItem(TypedDict):
    device_id: str
    keys: DeviceKeysDict
    device_display_name: NotRequired[str]


class GetUserDevicesResponseMasterKey(TypedDict):
    user_id: str
    usage: list[Literal['master', 'self_signing', 'user_signing']]
    keys: dict[str, str]
    signatures: NotRequired[dict[str, Any]]


class GetUserDevicesResponseSelfSigningKey(TypedDict):
    user_id: str
    usage: list[Literal['master', 'self_signing', 'user_signing']]
    keys: dict[str, str]
    signatures: NotRequired[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_user_devices(
        self,
        app: Any,
        origin: str,
        user_id: str,
    ) -> GetUserDevicesResponse | dict[str, Any]: ...


def get_user_devices(
    app: Any,
    origin: str,
    user_id: str,
) -> GetUserDevicesResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/user/devices/{userId}"""
    raise Unrecognized("getUserDevices")
