"""The WSGI callable in this process, as the tests of the API have it."""

from tests.api.conftest import api, api_of, paths

__all__ = ["api", "api_of", "paths"]
