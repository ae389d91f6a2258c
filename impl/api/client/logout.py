"""api-specs/client-server/logout.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import sessions


def logout(app: App, requester: Requester) -> dict[str, Any]:
    sessions.log_out(app, requester)
    return {}


def logout_all(app: App, requester: Requester) -> dict[str, Any]:
    sessions.log_out_all(app, requester)
    return {}
