"""api-specs/unstable/msc3266.yaml"""

from typing import Any

from generated.unstable.msc3266 import GetRoomSummaryQuery, GetSummaryOfRoomQuery
from impl.app import App
from impl.requester import Requester
from impl.services import room_summaries


def get_room_summary(
    app: App, requester: Requester | None, room_id_or_alias: str, query: GetRoomSummaryQuery
) -> dict[str, Any]:
    return _with_old_names(room_summaries.get(app, requester, room_id_or_alias, query.via or ()))


def get_summary_of_room(
    app: App, requester: Requester | None, room_id_or_alias: str, query: GetSummaryOfRoomQuery
) -> dict[str, Any]:
    return _with_old_names(room_summaries.get(app, requester, room_id_or_alias, query.via or ()))


def _with_old_names(summary: dict[str, Any]) -> dict[str, Any]:
    old = {
        f"im.nheko.summary.{name}": summary[name]
        for name in ("encryption", "room_version")
        if name in summary
    }
    return {**summary, **old}
