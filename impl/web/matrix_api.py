"""MatrixApi: connexion reads the bundle and resolves its operations; this is what it tells of them.

connexion 2 is made to carry other frameworks, and to it this is one. It checks the document at
start and hands over each operation, which is filed in a tree of path segments with all that a
request needs worked out; connexion sees no request (DESIGN 2). The tree knows no App, so that those
of one process can share it.
"""

import json
from pathlib import Path
from typing import Any

from connexion.apis.abstract import AbstractAPI
from connexion.jsonifier import Jsonifier

import generated
from impl.app import App
from impl.web import path_tree, routing
from impl.web.application import Application
from impl.web.resolver import ImplResolver

BUNDLE = Path(generated.__file__).parent / "openapi.json"


def build(app: App) -> Application:
    """The WSGI callable of an App."""
    return Application(app, load().root)


def load() -> "MatrixApi":
    return MatrixApi(json.loads(BUNDLE.read_bytes()))


class MatrixApi(AbstractAPI):
    """All operations of a bundle: `root` is the tree of their paths."""

    def __init__(self, bundle: dict[str, Any]) -> None:
        self.root = path_tree.Node()
        options = {"swagger_ui": False, "serve_spec": False}
        super().__init__(bundle, resolver=ImplResolver(), options=options)
        # Megabytes that nobody looks at again.
        del self.specification
        routing.finish(self.root)

    def _add_operation_internal(self, method: str, path: str, operation: Any) -> None:
        route = routing.make(method.upper(), path, operation._resolution.function)
        path_tree.add(self.root, path, route)

    # What AbstractAPI wants of frameworks that convert requests for it; nothing here does.
    @staticmethod
    def make_security_handler_factory(pass_context_arg_name: str | None) -> None:
        return None

    @classmethod
    def _set_jsonifier(cls) -> None:
        cls.jsonifier = Jsonifier()

    add_openapi_json = add_swagger_ui = add_auth_on_not_found = lambda self, *_: None
    get_request = get_response = _is_framework_response = _framework_to_connexion_response = None
    _connexion_to_framework_response = _build_response = None
