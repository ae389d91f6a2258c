"""api-specs/server-server/keys_server.yaml"""

from typing import Any

from impl.app import App
from impl.services import own_keys


def get_server_key(app: App) -> dict[str, Any]:
    return own_keys.document(app)
