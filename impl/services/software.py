"""What this program is called when it introduces itself to others."""

from functools import cache
from importlib import metadata

NAME = "Soma"
_DISTRIBUTION = "soma-homeserver"


@cache
def version() -> str:
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0"


def user_agent() -> str:
    return f"{NAME}/{version()}"
