"""As for what other servers send: our server, and a made-up one (incoming/site.py)."""

from tests.services.incoming.conftest import (
    app,
    clock,
    federation_paths,
    network,
    new_server,
    server,
    site,
)

__all__ = ["app", "clock", "federation_paths", "network", "new_server", "server", "site"]
