"""api-specs/client-server/list_joined_rooms.yaml"""

from generated.client.list_joined_rooms import GetJoinedRoomsResponse
from impl.app import App
from impl.requester import Requester
from impl.services import membership


def get_joined_rooms(app: App, requester: Requester) -> GetJoinedRoomsResponse:
    return {"joined_rooms": membership.joined_rooms(app, requester)}
