"""api-specs/client-server/presence.yaml"""

from typing import Any

from generated.client.presence import SetPresenceBody
from impl.app import App
from impl.requester import Requester
from impl.services import presence


def get_presence(app: App, requester: Requester, user_id: str) -> dict[str, Any]:
    return presence.get(app, requester, user_id)


def set_presence(
    app: App, requester: Requester, user_id: str, body: SetPresenceBody
) -> dict[str, Any]:
    presence.put(app, requester, user_id, body.presence, body.status_msg)
    return {}
