"""api-specs/client-server/refresh.yaml"""

from typing import Any

from generated.client.refresh import RefreshBody
from impl.app import App
from impl.services import sessions


def refresh(app: App, body: RefreshBody) -> dict[str, Any]:
    return sessions.refresh(app, body.refresh_token)
