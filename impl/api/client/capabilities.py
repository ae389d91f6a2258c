"""api-specs/client-server/capabilities.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import discovery


def get_capabilities(app: App, requester: Requester) -> dict[str, Any]:
    return {"capabilities": discovery.capabilities(app, requester)}
