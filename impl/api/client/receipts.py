"""api-specs/client-server/receipts.yaml"""

from generated.client.receipts import PostReceiptBody, PostReceiptResponse
from impl.app import App
from impl.requester import Requester
from impl.services import receipts


def post_receipt(
    app: App,
    requester: Requester,
    room_id: str,
    receipt_type: str,
    event_id: str,
    body: PostReceiptBody,
) -> PostReceiptResponse:
    receipts.send(app, requester, room_id, receipt_type, event_id, body.thread_id)
    return {}
