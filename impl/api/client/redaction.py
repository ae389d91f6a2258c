"""api-specs/client-server/redaction.yaml"""

from generated.client.redaction import RedactEventBody, RedactEventResponse
from impl.app import App
from impl.requester import Requester
from impl.services import messages


def redact_event(
    app: App,
    requester: Requester,
    room_id: str,
    event_id: str,
    txn_id: str,
    body: RedactEventBody,
) -> RedactEventResponse:
    redaction_id = messages.redact(app, requester, room_id, event_id, txn_id, body.reason)
    return {"event_id": redaction_id}
