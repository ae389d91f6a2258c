"""The client-server API as a client meets it: real WSGI callable, real PostgreSQL. See
api_client.py."""

from collections.abc import Callable

import pytest

from impl.app import App
from impl.web import matrix_api, path_tree
from impl.web.application import Application
from tests.api.api_client import Api, User, register


@pytest.fixture(scope="session")
def paths() -> path_tree.Node:
    """All operations: to load them takes longer than most tests, so that all Apps share them."""
    return matrix_api.load().root


@pytest.fixture
def api_of(paths: path_tree.Node) -> Callable[[App], Api]:
    """For tests with several Apps: `api_of(app)`."""
    return lambda app: Api(Application(app, paths))


@pytest.fixture
def api(app: App, api_of: Callable[[App], Api]) -> Api:
    return api_of(app)


@pytest.fixture
def alice(api: Api) -> User:
    return register(api, "alice")


@pytest.fixture
def bob(api: Api) -> User:
    return register(api, "bob")


@pytest.fixture
def charlie(api: Api) -> User:
    return register(api, "charlie")
