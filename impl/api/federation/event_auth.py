"""api-specs/server-server/event_auth.yaml"""

from typing import Any

from impl.app import App
from impl.services.federation_serving import state


def get_event_auth(app: App, origin: str, room_id: str, event_id: str) -> dict[str, Any]:
    return state.event_auth(app, origin, room_id, event_id)
