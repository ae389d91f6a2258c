"""A client that calls the WSGI callable in this process, and holds each answer against the
specification's schema.

    path = f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/send/m.room.message/1"
    answer = api.put(path, {"msgtype": "m.text", "body": "hi"}, token=alice.access_token)
    assert answer.status == 200 and answer.json["event_id"]

`alice.get(...)`, `alice.put(...)` and so on send the user's token by themselves.
"""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.api import response_schemas

NOTHING = object()

WsgiCallable = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]


@dataclass(frozen=True)
class Answer:
    """What the server said. `headers` have their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def errcode(self) -> str | None:
        return self.json.get("errcode")


class Api:
    """The server as a client sees it: `get`, `put`, `post`, `delete` and, for odd requests,
    `request`."""

    def __init__(self, wsgi: WsgiCallable, remote_address: str = "127.0.0.1") -> None:
        self.wsgi = wsgi
        self.remote_address = remote_address

    def get(self, path: str, token: str | None = None, query: Any = None) -> Answer:
        return self.request("GET", path, token=token, query=query)

    def put(
        self, path: str, json: object = NOTHING, token: str | None = None, query: Any = None
    ) -> Answer:
        return self.request("PUT", path, json, token=token, query=query)

    def post(
        self, path: str, json: object = NOTHING, token: str | None = None, query: Any = None
    ) -> Answer:
        return self.request("POST", path, json, token=token, query=query)

    def delete(
        self, path: str, json: object = NOTHING, token: str | None = None, query: Any = None
    ) -> Answer:
        return self.request("DELETE", path, json, token=token, query=query)

    def request(
        self,
        method: str,
        path: str,
        json: object = NOTHING,
        token: str | None = None,
        query: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. `path` is sent as it stands: quote what goes into it. `data` is a body that
        need not be JSON; `headers` with the names of environ (`HTTP_ORIGIN`, `CONTENT_LENGTH`) win
        over ours."""
        body = data if data is not None else b"" if json is NOTHING else _as_json(json)
        if query:
            path += ("&" if "?" in path else "?") + urlencode(query, doseq=True)
        environ = self._environ(method, path, body)
        if token is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        environ.update(headers or {})
        answer = self._call(environ)
        response_schemas.check(self.wsgi, method, path, answer.status, answer.headers, answer.body)
        return answer

    def _environ(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": method,
            "RAW_URI": path,
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "SERVER_NAME": "soma.test",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.remote_address,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "https",
        }

    def _call(self, environ: dict[str, Any]) -> Answer:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            started[:] = [status, headers]

        result = self.wsgi(environ, start_response)
        try:
            body = b"".join(result)
        finally:
            # Of a file, as every WSGI server does it.
            if hasattr(result, "close"):
                result.close()
        status, headers = started
        return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, body)


@dataclass
class User:
    """A registered user, and the client in which they are logged in."""

    api: Api = field(repr=False)
    user_id: str
    access_token: str
    device_id: str
    password: str

    def get(self, path: str, query: Any = None) -> Answer:
        return self.api.get(path, self.access_token, query)

    def put(self, path: str, json: object = NOTHING, query: Any = None) -> Answer:
        return self.api.put(path, json, self.access_token, query)

    def post(self, path: str, json: object = NOTHING, query: Any = None) -> Answer:
        return self.api.post(path, json, self.access_token, query)

    def delete(self, path: str, json: object = NOTHING, query: Any = None) -> Answer:
        return self.api.delete(path, json, self.access_token, query)

    def create_room(self, **options: object) -> str:
        answer = self.post("/_matrix/client/v3/createRoom", options)
        assert answer.status == 200, answer
        return answer.json["room_id"]

    def join(self, room: str) -> None:
        answer = self.post(f"/_matrix/client/v3/join/{quote(room, safe='')}", {})
        assert answer.status == 200, answer

    def send(self, room_id: str, body: str, txn_id: str | None = None) -> str:
        """A text message; its event id."""
        place = f"{quote(room_id, safe='')}/send/m.room.message/{txn_id or _unique()}"
        content = {"msgtype": "m.text", "body": body}
        answer = self.put(f"/_matrix/client/v3/rooms/{place}", content)
        assert answer.status == 200, answer
        return answer.json["event_id"]


def register(api: Api, localpart: str, password: str = "correct horse") -> User:
    """A new user, registered and logged in as a client does it."""
    body = {"username": localpart, "password": password}
    answer = api.post("/_matrix/client/v3/register", body)
    assert answer.status == 401, answer
    auth = {"type": "m.login.dummy", "session": answer.json["session"]}
    answer = api.post("/_matrix/client/v3/register", {**body, "auth": auth})
    assert answer.status == 200, answer
    made = answer.json
    return User(api, made["user_id"], made["access_token"], made["device_id"], password)


def _as_json(value: object) -> bytes:
    return json.dumps(value).encode()


_count = iter(range(1, 1 << 60))


def _unique() -> str:
    return f"t{next(_count)}"
