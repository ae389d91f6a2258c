"""Our server, soma.test, and a made-up one that is in a room which ours is not in."""

import pytest

from tests.api.api_client import User
from tests.federation.conftest import Server
from tests.services.incoming.conftest import (
    app,
    clock,
    federation_paths,
    network,
    new_server,
    server,
    site,
)
from tests.services.incoming.site import Site
from tests.services.remote_membership.resident import Resident
from tests.services.room_events.elsewhere import a_room_of_theirs

__all__ = ["app", "clock", "federation_paths", "network", "new_server", "server", "site"]


@pytest.fixture
def bob(server: Server) -> User:
    return server.register("bob")


@pytest.fixture
def resident(site: Site) -> Resident:
    return Resident(site, a_room_of_theirs())
