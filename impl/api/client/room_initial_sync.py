"""api-specs/client-server/room_initial_sync.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import initial_sync as snapshots


def room_initial_sync(app: App, requester: Requester, room_id: str) -> dict[str, Any]:
    return snapshots.of_room(app, requester, room_id)
