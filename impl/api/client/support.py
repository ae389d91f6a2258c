"""api-specs/client-server/support.yaml"""

from typing import Any

from impl.app import App
from impl.services import discovery


def get_wellknown_support(app: App) -> dict[str, Any]:
    return discovery.support_well_known(app)
