"""api-specs/server-server/user_devices.yaml"""

from typing import Any

from impl.app import App
from impl.services.federation_serving import keys


def get_user_devices(app: App, origin: str, user_id: str) -> dict[str, Any]:
    return keys.user_devices(app, user_id)
