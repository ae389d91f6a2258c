"""python -m tests.bench.signatures: what it costs to know who sent something; own PostgreSQL.

The signatures of a room's state, 10,000 events of 300 servers, with all keys to be fetched: from a
notary, and from the servers; the same with the keys known; a request without a body, and a
transaction of 50 messages, up to where the operation would run. Other servers are made up in this
process, and what they do to answer is counted in where keys are fetched. Ends with 1 where
something is beyond its limit."""

from gevent import monkey

monkey.patch_all()

import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from impl.app import App
from impl.config.server_keys import TrustedKeyServer
from impl.core import canonical_json, request_auth
from impl.core.room_version import ROOM_VERSIONS
from impl.core.unpadded_base64 import encode_base64
from impl.services import server_keys
from impl.storage import migrate
from impl.storage.worker_page import WorkerPage
from impl.supervisor.embedded_postgres import EmbeddedPostgres
from impl.web import server_authentication
from tests import builders
from tests.bench.measuring import Table, cpu_seconds
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import MadeUpServer

V12 = ROOM_VERSIONS["12"]
SERVERS, EVENTS, PDUS = 300, 10_000, 50
TARGET = "/_matrix/federation/v1/send/1"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def an_app(network: Network, *notaries: str) -> Iterator[App]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        postgres = EmbeddedPostgres(directory / "postgres")
        postgres.start()
        migrate.migrate(postgres.dsn)
        WorkerPage.create(directory / "workers", 1)
        app = App(
            replace(
                builders.a_config(directory),
                trusted_key_servers=tuple(map(TrustedKeyServer, notaries)),
            ),
            postgres.dsn,
            builders.a_signing_key(),
            WorkerPage(directory / "workers", 0),
            wire=network.wire_of(builders.SERVER_NAME),
        )
        app.start()
        try:
            yield app
        finally:
            app.stop()
            postgres.stop()


def state_of_a_room(servers: list[MadeUpServer]) -> list[dict[str, Any]]:
    content = {"membership": "join", "displayname": "Somebody"}
    made = []
    for number in range(EVENTS):
        server = servers[number % SERVERS]
        user_id = f"@u{number}:{server.name}"
        fields = {"type": "m.room.member", "sender": user_id, "state_key": user_id}
        made.append(server.event(V12, content=content, **fields))
    return made


def check_all(app: App, pdus: list[dict[str, Any]]) -> float:
    """CPU seconds."""
    began = time.process_time()
    assert server_keys.check_event_signatures(app, pdus, V12) == [None] * len(pdus)
    return time.process_time() - began


def a_request(other: MadeUpServer, method: str, body: bytes) -> Callable[[], dict[str, Any]]:
    """Makes an environ."""
    name = builders.SERVER_NAME
    message = request_auth.signed_bytes(method, TARGET, other.name, name, body or None)
    signature = encode_base64(other.key.sign(message))
    header = request_auth.write(other.name, name, other.key.key_id, signature)
    return lambda: {
        "REQUEST_METHOD": method,
        "RAW_URI": TARGET,
        "HTTP_AUTHORIZATION": header,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def main() -> None:
    table = Table()
    network = Network()
    servers = [MadeUpServer(network, f"s{number}.test", now_ms) for number in range(SERVERS)]
    pdus = state_of_a_room(servers)
    notary = MadeUpServer(network, "notary.test", now_ms)
    notary.knows(*servers)
    with an_app(network, notary.name) as app:
        table.row(f"{EVENTS} events, keys from a notary", check_all(app, pdus), 1.5)
        table.row(f"{EVENTS} events, keys known", check_all(app, pdus), 1.0)
    with an_app(network) as app:
        table.row(f"{EVENTS} events, keys from {SERVERS} servers", check_all(app, pdus), 2.0)
        other = servers[0]
        verify = server_authentication.verify
        get = a_request(other, "GET", b"")
        cost = cpu_seconds(lambda: verify(app, get(), holds_events=False), 1000)
        table.row("a request without a body", cost, 120e-6)
        messages = [other.event(V12, depth=number) for number in range(PDUS)]
        content = {"origin": other.name, "origin_server_ts": now_ms(), "pdus": messages}
        body = canonical_json.encode(content)
        put = a_request(other, "PUT", body)
        cost = cpu_seconds(lambda: verify(app, put(), holds_events=True), 200)
        table.row(f"a transaction of {PDUS} messages ({len(body)} bytes)", cost, 600e-6)
    sys.exit(0 if table.is_within else 1)


if __name__ == "__main__":
    main()
