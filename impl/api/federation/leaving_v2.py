"""api-specs/server-server/leaving-v2.yaml"""

from typing import Any

from impl.app import App
from impl.services.federation_serving import leaves


def send_leave_v2(
    app: App, origin: str, room_id: str, event_id: str, body: dict[str, Any]
) -> dict[str, Any]:
    leaves.send(app, origin, room_id, event_id, body)
    return {}
