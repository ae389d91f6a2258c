"""wellknown.yaml and version.yaml of server-server."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from impl.app import App
from tests.api.api_client import Api

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
