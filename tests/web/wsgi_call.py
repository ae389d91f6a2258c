"""One call of a WSGI callable."""

import io
import json
from collections.abc import Callable
from typing import Any

from impl.app import App
from impl.web import path_tree
from impl.web.application import Application
from impl.web.route import Route

CLIENT = frozenset({"client"})


def application(app: App, function: Callable[..., Any], **options: Any) -> Application:
    """An application with one operation: GET /x."""
    root = path_tree.Node()
    path_tree.add(root, "/x", Route("op", "", "GET", "/x", function, CLIENT, **options))
    return Application(app, root)


def call(
    wsgi: Any, target: str = "/x", method: str = "GET", **environ: Any
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON."""
    started: list[Any] = []
    request = {
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.input": io.BytesIO(b""),
        **environ,
    }
    body = b"".join(wsgi(request, lambda status, headers: started.extend([status, headers])))
    return int(started[0][:3]), dict(started[1]), json.loads(body)
