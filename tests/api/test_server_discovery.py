"""wellknown.yaml and version.yaml of server-server; unstable/federation_whitelist.yaml."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from impl.app import App
from tests.api.api_client import Api, User

PATH = "/.well-known/matrix/server"


def test_where_the_server_is_is_not_said_unless_configured(api: Api) -> None:
    answer = api.get(PATH)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    ("server_name", "told"),
    [
        ("soma.test", "soma.test:443"),
        ("soma.test:8448", "soma.test:8448"),
        ("[::1]", "[::1]:443"),
        ("[::1]:99", "[::1]:99"),
    ],
)
def test_where_the_server_is(
    app: App, api_of: Callable[[App], Api], server_name: str, told: str
) -> None:
    app.config = replace(app.config, serve_server_wellknown=True)
    app.server_name = server_name
    answer = api_of(app).get(PATH)
    assert (answer.status, answer.json) == (200, {"m.server": told})


def test_the_version_is_told_to_anybody(api: Api) -> None:
    answer = api.get("/_matrix/federation/v1/version")
    assert answer.status == 200
    assert answer.json["server"]["name"] == "Soma"
    assert answer.json["server"]["version"]


WHITELIST = "/_synapse/client/v1/config/federation_whitelist"


def test_whom_the_server_talks_to_is_not_said_unless_configured(alice: User) -> None:
    answer = alice.get(WHITELIST)
    assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED")


@pytest.mark.parametrize("names", [None, (), ("b.test", "a.test:8448")])
def test_whom_the_server_talks_to(
    app: App, api: Api, alice: User, names: tuple[str, ...] | None
) -> None:
    app.config = replace(
        app.config,
        federation_whitelist_endpoint_enabled=True,
        federation_domain_whitelist=None if names is None else frozenset(names),
    )
    told = {"whitelist_enabled": names is not None, "whitelist": sorted(names or ())}
    assert alice.get(WHITELIST).json == told
    assert api.get(WHITELIST).errcode == "M_MISSING_TOKEN"
