"""api-specs/client-server/message_pagination.yaml"""

from typing import Any

from generated.client.message_pagination import GetRoomEventsQuery
from impl.app import App
from impl.requester import Requester
from impl.services import history
from impl.services.history import Range


def get_room_events(
    app: App, requester: Requester, room_id: str, query: GetRoomEventsQuery
) -> dict[str, Any]:
    asked = Range(
        is_back=query.dir == "b",
        from_token=query.from_,
        to_token=query.to,
        limit=query.limit,
        filter=query.filter,
    )
    return history.messages(app, requester, room_id, asked)
