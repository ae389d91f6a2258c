"""api-specs/client-server/voip.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import voip


def get_turn_server(app: App, requester: Requester) -> dict[str, Any]:
    return voip.turn_server(app, requester)
