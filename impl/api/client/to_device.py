"""api-specs/client-server/to_device.yaml"""

from typing import Any

from generated.client.to_device import SendToDeviceBody
from impl.app import App
from impl.requester import Requester
from impl.services import to_device


def send_to_device(
    app: App, requester: Requester, event_type: str, txn_id: str, body: SendToDeviceBody
) -> dict[str, Any]:
    to_device.send(app, requester, event_type, txn_id, body.messages)
    return {}
