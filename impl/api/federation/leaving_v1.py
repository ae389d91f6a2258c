"""api-specs/server-server/leaving-v1.yaml"""

from typing import Any

from impl.app import App
from impl.services.federation_serving import leaves


def make_leave(app: App, origin: str, room_id: str, user_id: str) -> dict[str, Any]:
    return leaves.make(app, origin, room_id, user_id)
