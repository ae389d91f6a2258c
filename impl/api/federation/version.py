"""api-specs/server-server/version.yaml"""

from typing import Any

from impl.app import App
from impl.services import software


def get_version(app: App) -> dict[str, Any]:
    return {"server": {"name": software.NAME, "version": software.version()}}
