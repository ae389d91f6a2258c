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


def application(
    app: App, function: Callable[..., Any], method: str = "GET", **options: Any
) -> Application:
    """An application with one operation, at /x."""
    root = path_tree.Node()
    path_tree.add(root, "/x", Route("op", "", method, "/x", function, CLIENT, **options))
    return Application(app, root)


def call(
    wsgi: Any, target: str = "/x", method: str = "GET", **environ: Any
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON."""
    status, headers, body = call_for_bytes(wsgi, target, method, **environ)
    return status, headers, json.loads(body)


def call_for_bytes(
    wsgi: Any, target: str = "/x", method: str = "GET", **environ: Any
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and the body, which is closed after it as WSGI wants it."""
    started: list[Any] = []
    request = {
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.input": io.BytesIO(b""),
        **environ,
    }
    result = wsgi(request, lambda status, headers: started.extend([status, headers]))
    try:
        body = b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return int(started[0][:3]), dict(started[1]), body
