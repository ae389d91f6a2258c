"""api-specs/client-server/notifications.yaml"""

from typing import Any

from generated.client.notifications import GetNotificationsQuery
from impl.app import App
from impl.requester import Requester
from impl.services import notifications
from impl.services.notifications import Asked


def get_notifications(
    app: App, requester: Requester, query: GetNotificationsQuery
) -> dict[str, Any]:
    asked = Asked(query.from_, query.limit, query.only)
    return notifications.list_page(app, requester, asked)
