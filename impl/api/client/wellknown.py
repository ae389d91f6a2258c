"""api-specs/client-server/wellknown.yaml"""

from typing import Any

from impl.app import App
from impl.services import discovery


def get_wellknown(app: App) -> dict[str, Any]:
    return discovery.client_well_known(app)
