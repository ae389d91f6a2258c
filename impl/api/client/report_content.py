"""api-specs/client-server/report_content.yaml"""

from typing import Any

from generated.client.report_content import ReportEventBody, ReportRoomBody, ReportUserBody
from impl.app import App
from impl.requester import Requester
from impl.services import reports


def report_room(
    app: App, requester: Requester, room_id: str, body: ReportRoomBody
) -> dict[str, Any]:
    reports.report_room(app, requester, room_id, body.reason)
    return {}


def report_event(
    app: App, requester: Requester, room_id: str, event_id: str, body: ReportEventBody
) -> dict[str, Any]:
    reports.report_event(app, requester, room_id, event_id, body.reason)
    return {}


def report_user(
    app: App, requester: Requester, user_id: str, body: ReportUserBody
) -> dict[str, Any]:
    reports.report_user(app, requester, user_id, body.reason)
    return {}
