"""api-specs/client-server/room_summary.yaml"""

from generated.client.room_summary import GetRoomSummaryQuery, GetRoomSummaryResponse
from impl.app import App
from impl.requester import Requester
from impl.services import room_summaries


def get_room_summary(
    app: App, requester: Requester | None, room_id_or_alias: str, query: GetRoomSummaryQuery
) -> GetRoomSummaryResponse:
    summary = room_summaries.get(app, requester, room_id_or_alias, query.via or ())
    return summary  # type: ignore[return-value]
