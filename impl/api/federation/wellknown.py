"""api-specs/server-server/wellknown.yaml"""

from typing import Any

from impl.app import App
from impl.services import discovery


def get_well_known(app: App) -> dict[str, Any]:
    return discovery.server_well_known(app)
