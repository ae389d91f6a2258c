"""api-specs/client-server/mutual_rooms.yaml"""

from typing import Any

from generated.client.mutual_rooms import GetMutualRoomsQuery
from impl.app import App
from impl.requester import Requester
from impl.services import mutual_rooms


def get_mutual_rooms(app: App, requester: Requester, query: GetMutualRoomsQuery) -> dict[str, Any]:
    return mutual_rooms.get(app, requester, query.user_id, query.from_)
