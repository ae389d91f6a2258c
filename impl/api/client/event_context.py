"""api-specs/client-server/event_context.yaml"""

from typing import Any

from generated.client.event_context import GetEventContextQuery
from impl.app import App
from impl.requester import Requester
from impl.services import history


def get_event_context(
    app: App, requester: Requester, room_id: str, event_id: str, query: GetEventContextQuery
) -> dict[str, Any]:
    return history.context(app, requester, room_id, event_id, query.limit, query.filter)
