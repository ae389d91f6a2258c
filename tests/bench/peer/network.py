"""Servers that are made up: each with a name, a port with TLS and a key of its own, all of them in
this process. They answer for their keys, take what they are told, and tell of rooms that they have
(hosting.py)."""

import http.client
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote

from gevent.pywsgi import WSGIServer

from impl.core import canonical_json, request_auth, server_keys
from impl.core.unpadded_base64 import encode_base64
from tests.bench.peer.hosting import HostedRoom
from tests.federation.made_up_server import a_key
from tests.ports import free_port
from tests.synapse.certificates import Certificates

Json = dict[str, Any]

# Not an address of a server that is measured.
HOST = "127.0.0.4"
KEYS_UNTIL_TS = 4_000_000_000_000
NOT_FOUND = b'{"errcode":"M_NOT_FOUND","error":"it is not here"}'


@contextmanager
def running(certificates: Certificates, count: int) -> Iterator[list["OtherServer"]]:
    """So many of them. They have one address, and so one certificate."""
    certificate, private_key = certificates.issue(HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private_key)
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    found = [OtherServer(context, port) for port in ports]
    try:
        yield found
    finally:
        for one in found:
            one.close()


class OtherServer:
    """`taken` counts the events that it was told."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self.name = f"{HOST}:{port}"
        self.key = a_key(self.name, "one")
        self.rooms: dict[str, HostedRoom] = {}
        self.taken = 0
        document = server_keys.write(self.name, [self.key], {}, KEYS_UNTIL_TS)
        self._keys = json.dumps(document).encode()
        self._server = WSGIServer((HOST, port), self._serve, log=None, ssl_context=context)
        self._server.start()

    def user(self, localpart: str) -> str:
        return f"@{localpart}:{self.name}"

    def close(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, environ: Json, start_response: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read()
        path = [unquote(one) for one in environ["PATH_INFO"].split("/")[2:]]
        query = parse_qs(environ["QUERY_STRING"])
        answer = self._answer(environ["REQUEST_METHOD"], path, query, body)
        status = "404 Not Found" if answer is None else "200 OK"
        answer = NOT_FOUND if answer is None else answer
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
        start_response(status, headers)
        return [answer]

    def _answer(
        self, method: str, path: list[str], query: dict[str, list[str]], body: bytes
    ) -> bytes | None:
        match path:
            case ["key", "v2", "server", *_]:
                return self._keys
            case ["federation", "v1", "send", _]:
                self.taken += len(json.loads(body)["pdus"])
                return b'{"pdus":{}}'
            case ["federation", _, operation, room_id, *rest] if room_id in self.rooms:
                room = self.rooms[room_id]
                return room.answer(operation, rest, query, json.loads(body or b"{}"))
            case ["federation", "v1", "event", event_id]:
                for room in self.rooms.values():
                    if event_id in room.events:
                        return room.answer("event", [event_id], query, {})
        return None


class Request:
    """Signed, and ready to be sent."""

    def __init__(
        self, origin: OtherServer, destination: str, method: str, target: str, content: Any = None
    ) -> None:
        self.method, self.target = method, target
        self.body = None if content is None else canonical_json.encode(content)
        signed = request_auth.signed_bytes(method, target, origin.name, destination, self.body)
        signature = encode_base64(origin.key.sign(signed))
        self.headers = {
            "Authorization": request_auth.write(
                origin.name, destination, origin.key.key_id, signature
            )
        }
        if self.body is not None:
            self.headers["Content-Type"] = "application/json"


class Line:
    """A connection to one server, which is kept."""

    def __init__(self, certificates: Certificates, destination: str) -> None:
        self.destination = destination
        context = ssl.create_default_context(cafile=str(certificates.authority_path))
        host, _, port = destination.rpartition(":")
        self._connection = http.client.HTTPSConnection(
            host, int(port), timeout=600, context=context
        )

    def ask(self, origin: OtherServer, method: str, target: str, content: Any = None) -> Json:
        return self.send(Request(origin, self.destination, method, target, content))

    def send(self, request: Request) -> Json:
        self._connection.request(request.method, request.target, request.body, request.headers)
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == 200, (request.target, response.status, answer)
        return answer  # type: ignore[no-any-return]

    def close(self) -> None:
        self._connection.close()
