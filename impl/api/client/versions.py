"""api-specs/client-server/versions.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import discovery


def get_versions(app: App, requester: Requester | None) -> dict[str, Any]:
    return discovery.versions()
