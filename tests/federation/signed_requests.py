"""Requests as a server that is made up signs them, and a site of operations that tell who asked."""

import io
import json
from collections.abc import Callable
from typing import Any

from impl.app import App
from impl.core import canonical_json, request_auth
from impl.core.signing import SigningKey
from impl.core.unpadded_base64 import encode_base64
from impl.web import path_tree, request
from impl.web.application import Application
from impl.web.route import Route
from tests.federation.made_up_server import MadeUpServer
from tests.web.wsgi_call import CLIENT, call

US = "soma.test"
PATH = "/_matrix/federation/v1/things"
# Status and JSON.
Answer = tuple[int, Any]


def site(app: App, function: Callable[..., Any] | None = None, **options: Any) -> Application:
    """Operations that tell who asked, and what."""
    root = path_tree.Node()
    get = function or (lambda app, origin: {"origin": origin})
    path_tree.add(root, PATH, Route("get", "", "GET", PATH, get, CLIENT, caller="server"))
    put = function or (lambda app, origin, body: {"origin": origin, "body": body})
    options.setdefault("read_content", request.object_reader(dict, True))
    route = Route("put", "", "PUT", PATH, put, CLIENT, caller="server", **options)
    path_tree.add(root, PATH, route)
    return Application(app, root)


def header(
    origin: str,
    key: SigningKey,
    method: str = "GET",
    target: str = PATH,
    content: bytes | None = None,
    destination: str = US,
) -> str:
    message = request_auth.signed_bytes(method, target, origin, destination, content)
    return request_auth.write(origin, destination, key.key_id, encode_base64(key.sign(message)))


def ask(
    wsgi: Application,
    authorization: str,
    method: str = "GET",
    target: str = PATH,
    body: bytes = b"",
    address: str = "192.0.2.1",
) -> Answer:
    status, _, answer = call(
        wsgi,
        target,
        method,
        HTTP_AUTHORIZATION=authorization,
        REMOTE_ADDR=address,
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
    )
    return status, answer


def put(
    wsgi: Application,
    server: MadeUpServer,
    body: bytes,
    signed: object = None,
    address: str = "192.0.2.1",
) -> Answer:
    """Send a body whose canonical JSON is signed, or something else."""
    content = canonical_json.encode(json.loads(body) if signed is None else signed, strict=False)
    authorization = header(server.name, server.key, "PUT", content=content)
    return ask(wsgi, authorization, "PUT", body=body, address=address)
