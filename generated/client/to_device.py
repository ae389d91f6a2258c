"""api-specs/client-server/to_device.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class SendToDeviceBody(Struct, kw_only=True):
    messages: dict[str, dict[str, dict[str, Any]]]


SendToDeviceResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def send_to_device(
        self,
        app: Any,
        requester: Any,
        event_type: str,
        txn_id: str,
        body: SendToDeviceBody,
    ) -> SendToDeviceResponse | dict[str, Any]: ...


def send_to_device(
    app: Any,
    requester: Any,
    event_type: str,
    txn_id: str,
    body: SendToDeviceBody,
) -> SendToDeviceResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}"""
    raise Unrecognized("sendToDevice")
