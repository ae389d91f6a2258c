"""api-specs/client-server/room_send.yaml"""

from generated.client.room_send import SendMessageResponse
from impl.app import App
from impl.requester import Requester
from impl.services import messages


def send_message(
    app: App, requester: Requester, room_id: str, event_type: str, txn_id: str, body: dict
) -> SendMessageResponse:
    return {"event_id": messages.send(app, requester, room_id, event_type, txn_id, body)}
