"""api-specs/client-server/policy_server.yaml"""

from typing import Any

from impl.app import App
from impl.services import discovery


def get_wellknown_policy(app: App) -> dict[str, Any]:
    return discovery.policy_well_known(app)
