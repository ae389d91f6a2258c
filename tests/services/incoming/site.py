"""A made-up server with rooms (room_events/elsewhere.py), whose events are really signed and which
answers for them as the specification says, unless a test has it answer otherwise.

site.add(room)                          it is in the room
site.answers["state_ids"] = lambda *path: {...}     what it says instead; None: 404
site.asked("state_ids")                 how often it was asked
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from impl.app import App
from impl.core import server_keys
from impl.core.event import Event
from impl.outbound.wire import WireResponse
from impl.services.incoming import transaction
from impl.services.incoming.staging import Placers
from tests.federation.fake_wire import Network
from tests.services.room_events import elsewhere
from tests.services.room_events.elsewhere import ELSEWHERE, KEY, Elsewhere

Json = dict[str, Any]
KEYS_UNTIL_TS = 4_000_000_000_000


class Site:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.rooms: dict[str, Elsewhere] = {}
        self.answers: dict[str, Callable[..., Any] | None] = {}
        network.handlers[ELSEWHERE] = self._answer

    def add(self, room: Elsewhere) -> Elsewhere:
        self.rooms[room.create.room_id] = room
        return room

    def asked(self, operation: str) -> int:
        return sum(
            one.destination == ELSEWHERE
            and re.search(rf"/{operation}(?:[/?]|$)", one.target) is not None
            for one in self.network.sent
        )

    def event(self, event_id: str) -> Event | None:
        for room in self.rooms.values():
            if event_id in room.events:
                return room.events[event_id]
        return None

    def _answer(
        self, origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse:
        url = urlsplit(target)
        if url.path == "/_matrix/key/v2/server":
            keys = server_keys.write(ELSEWHERE, [KEY], {}, KEYS_UNTIL_TS)
            return WireResponse(200, {}, json.dumps(keys).encode())
        found = re.fullmatch(r"/_matrix/(?:federation|policy)/v\d/(\w+)/?(.*)", url.path)
        operation, path = found.groups() if found else ("", "")
        pieces = [unquote(piece) for piece in path.split("/") if piece]
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        answer_by = self.answers.get(operation, getattr(self, f"_{operation}", None))
        answer: Any = None
        if answer_by is not None:
            given = {"pdu": _read(body)} if operation == "sign" else {**query, **_read(body)}
            with suppress(KeyError):  # An event or a room that it does not know.
                answer = answer_by(*pieces, **given)
        if isinstance(answer, WireResponse):
            return answer
        if answer is None:
            return WireResponse(404, {}, b'{"errcode": "M_NOT_FOUND"}')
        return WireResponse(200, {}, json.dumps(answer).encode())

    def _event(self, event_id: str) -> Json | None:
        event = self.event(event_id)
        return None if event is None else {"pdus": [event.pdu]}

    def _event_auth(self, room_id: str, event_id: str) -> Json | None:
        room = self.rooms[room_id]
        event = room.events[event_id]
        chain = room._chain({("", one): one for one in event.auth_event_ids})
        return {"auth_chain": [room.events[one].pdu for one in {*chain, *event.auth_event_ids}]}

    def _state_ids(self, room_id: str, event_id: str) -> Json | None:
        room = self.rooms[room_id]
        state = room.after(*room.events[event_id].prev_event_ids)
        return {
            "pdu_ids": sorted(state.values()),
            "auth_chain_ids": sorted(room._chain(state)),
        }

    def _state(self, room_id: str, event_id: str) -> Json | None:
        ids = self._state_ids(room_id, event_id) or {}
        room = self.rooms[room_id]
        return {
            "pdus": [room.events[one].pdu for one in ids["pdu_ids"]],
            "auth_chain": [room.events[one].pdu for one in ids["auth_chain_ids"]],
        }

    def _get_missing_events(
        self,
        room_id: str,
        earliest_events: list[str],
        latest_events: list[str],
        limit: int,
        min_depth: int,
    ) -> Json:
        """Going back, the newest first, at most twenty."""
        room = self.rooms[room_id]
        found: dict[str, Event] = {}
        level = list(latest_events)
        while level and len(found) < min(limit, 20):
            prevs = {
                prev
                for one in level
                if one in room.events
                for prev in room.events[one].prev_event_ids
            }
            level = [
                one
                for one in sorted(prevs)
                if one not in earliest_events
                and one not in found
                and room.events[one].depth >= min_depth
            ]
            found |= {one: room.events[one] for one in level}
        newest = sorted(found.values(), key=lambda one: one.depth)[-min(limit, 20) :]
        return {"events": [one.pdu for one in newest]}


def _read(body: bytes | None) -> Json:
    return json.loads(body) if body else {}


def let_in(app: App, site: Site, room: Elsewhere) -> str:
    """Our server is in the room, and has what is in it so far; returns its id."""
    site.add(room)
    elsewhere.send(app, room, *room.events.values())
    return room.create.room_id


_numbers = iter(range(1, 1_000_000))


def put(
    app: App,
    *pdus: Event | Json,
    edus: list[Json] | None = None,
    txn_id: str | None = None,
    origin: str = ELSEWHERE,
) -> Json:
    """PUT /send, by the other server; returns event_id -> {} or {"error": ...}."""
    sent = [json.loads(json.dumps(one.pdu if isinstance(one, Event) else one)) for one in pdus]
    txn_id = txn_id or f"txn{next(_numbers)}"
    answer = transaction.receive(app, origin, txn_id, sent, edus or [])
    return answer["pdus"]  # type: ignore[no-any-return]


def settle(app: App) -> None:
    """Until nothing is being looked after."""
    app.part(Placers, Placers).wait()
