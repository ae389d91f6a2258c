"""api-specs/client-server/read_markers.yaml"""

from generated.client.read_markers import SetReadMarkerBody, SetReadMarkerResponse
from impl.app import App
from impl.requester import Requester
from impl.services import receipts


def set_read_marker(
    app: App, requester: Requester, room_id: str, body: SetReadMarkerBody
) -> SetReadMarkerResponse:
    markers = {
        receipts.FULLY_READ: body.m_fully_read,
        receipts.READ: body.m_read,
        receipts.READ_PRIVATE: body.m_read_private,
    }
    receipts.mark(app, requester, room_id, markers)
    return {}
