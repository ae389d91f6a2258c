"""python -m tests.bench.federation: what a PDU costs that comes in by PUT /send, on its own
PostgreSQL.

Fifty messages in one room, and one in each of fifty, all of it measured: the request's signature,
its JSON, each event's format, hashes and signature, and the way into the rooms. CPU of this process
and of the database server a PDU; ends with 1 where something is beyond its limit."""

from gevent import monkey

monkey.patch_all()

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from impl.app import App
from impl.core import canonical_json, request_auth, server_keys
from impl.core.event import Event
from impl.core.unpadded_base64 import encode_base64
from impl.outbound.wire import WireResponse
from impl.web import matrix_api
from impl.web.application import Application
from tests.bench.measuring import Table
from tests.bench.rooms import an_app
from tests.builders import SERVER_NAME, message
from tests.services.room_events.elsewhere import (
    ELSEWHERE,
    EVELYN,
    KEY,
    Elsewhere,
    a_room_elsewhere,
    send,
)

PDUS = 50
ROUNDS = 20
# Synapse takes 5 to 10 ms a PDU.
LIMIT_S = 0.001
KEYS_UNTIL_TS = 4_000_000_000_000
_TICKS = 100


class Keys:
    """A wire on which the other server answers for its keys."""

    def close(self) -> None:
        pass

    def request(self, destination: str, method: str, target: str, **_: object) -> WireResponse:
        keys = server_keys.write(ELSEWHERE, [KEY], {}, KEYS_UNTIL_TS)
        return WireResponse(200, {}, json.dumps(keys).encode())


class Sender:
    """The other server: its transactions, made and signed before they are measured."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._numbers = iter(range(1_000_000))

    def environ(self, events: list[Event]) -> dict[str, Any]:
        content = {
            "origin": ELSEWHERE,
            "origin_server_ts": 1,
            "pdus": [one.pdu for one in events],
            "edus": [],
        }
        body = canonical_json.encode(content)
        target = f"/_matrix/federation/v1/send/txn{next(self._numbers)}"
        signed = request_auth.signed_bytes("PUT", target, ELSEWHERE, SERVER_NAME, body)
        signature = encode_base64(KEY.sign(signed))
        return {
            "REQUEST_METHOD": "PUT",
            "RAW_URI": target,
            "PATH_INFO": target,
            "QUERY_STRING": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": request_auth.write(ELSEWHERE, SERVER_NAME, KEY.key_id, signature),
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "https",
        }

    def put(self, environ: dict[str, Any]) -> None:
        started: list[str] = []
        answer = b"".join(self._application(environ, lambda status, *_: started.append(status)))
        results = json.loads(answer).get("pdus", {})
        assert started == ["200 OK"] and len(results) == PDUS and not any(results.values()), answer


def database_seconds(app: App) -> float:
    """The processor time of the database server so far, with those of its processes that ended."""
    with app.database.read() as txn:
        txn.execute("SHOW data_directory")
        directory = Path(txn.fetchone()[0])
    master = int((directory / "postmaster.pid").read_text().split()[0])
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == master:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == master:
            ticks += sum(map(int, fields[11:13]))
    return ticks / _TICKS


def measured(app: App, sender: Sender, next_events: Callable[[], list[Event]]) -> list[float]:
    """CPU seconds of a PDU: here, and in the database server."""
    for _ in range(3):
        sender.put(sender.environ(next_events()))
    environs = [sender.environ(next_events()) for _ in range(ROUNDS)]
    there = database_seconds(app)
    began = time.process_time()
    for environ in environs:
        sender.put(environ)
    here = time.process_time() - began
    return [one / (ROUNDS * PDUS) for one in (here, database_seconds(app) - there)]


def main() -> int:
    table = Table()
    with an_app() as app:
        app.federation.wire = Keys()  # type: ignore[assignment]
        sender = Sender(Application(app, matrix_api.load().root))
        rooms = [a_room_elsewhere("12", f"room{number}") for number in range(PDUS)]
        for room in rooms:
            send(app, room, *room.events.values())

        def in_one() -> list[Event]:
            return [said(rooms[0], number) for number in range(PDUS)]

        def in_fifty() -> list[Event]:
            return [said(room, number) for number, room in enumerate(rooms)]

        for what, next_events in (("one room", in_one), (f"{PDUS} rooms", in_fifty)):
            here, there = measured(app, sender, next_events)
            table.row(f"a PDU of {PDUS} in {what}, here", here, LIMIT_S)
            table.row(f"a PDU of {PDUS} in {what}, in the database server", there, LIMIT_S)
    return 0 if table.is_within else 1


def said(room: Elsewhere, number: int) -> Event:
    return room.add(message(EVELYN, f"message {number}: " + "what is said " * 10))


if __name__ == "__main__":
    sys.exit(main())
