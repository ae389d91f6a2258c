"""A made-up server that lets others into one of its rooms, and says of it what a test wants.

resident = Resident(site, a_room_of_theirs())
resident.template["depth"] = -1              changes what it answers to make_join, make_knock ...
resident.told["state"].pop()                 ... and to send_join
join(bob, resident.room_id)                  an answer of ours to a client
"""

import json
from typing import Any
from urllib.parse import quote, unquote

from impl.outbound.wire import WireResponse
from tests.api.api_client import Answer, User
from tests.services.incoming.site import Site
from tests.services.room_events.elsewhere import (
    ELSEWHERE,
    Elsewhere,
)

Json = dict[str, Any]


class Resident:
    def __init__(self, site: Site, room: Elsewhere) -> None:
        self.room = site.add(room)
        self.room_id = str(room.create.room_id)
        state = room.after(room.last)
        self.state = dict(state)
        # What it answers, beside what depends on who asks.
        self.template: Json = {}
        self.content: Json = {}
        self.version: Json = {"room_version": room.version.version}
        self.told: Json = {
            "state": [room.events[one].pdu for one in state.values()],
            "auth_chain": [room.events[one].pdu for one in room._chain(state)],
            "members_omitted": False,
        }
        # What it was sent.
        self.sent: list[Json] = []
        # What it answers to send_join instead: bytes.
        self.raw: bytes | None = None
        self._others = site.network.handlers[ELSEWHERE]
        site.network.handlers[ELSEWHERE] = self._answer

    def index(self, event_type: str) -> int:
        """Where an event stands in the state that it tells."""
        return next(
            number for number, one in enumerate(self.told["state"]) if one["type"] == event_type
        )

    def _answer(
        self, origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        operation, *pieces = target.partition("?")[0].split("/")[4:]
        if not pieces or unquote(pieces[0]) != self.room_id:
            return self._others(origin, destination, method, target, body)
        what, _, membership = operation.partition("_")
        if what == "make":
            return _ok(self._make(membership, *map(unquote, pieces)))
        if what == "send":
            pdu = json.loads(body or b"")
            self.sent.append(pdu)
            return _ok(self.raw or {"event": pdu, "origin": ELSEWHERE, **self.told})
        return self._others(origin, destination, method, target, body)

    def _make(self, membership: str, room_id: str, user_id: str) -> Json:
        cited = [
            self.state[key]
            for key in (
                ("m.room.create", ""),
                ("m.room.power_levels", ""),
                ("m.room.join_rules", ""),
            )
            if key in self.state
        ]
        if self.room.version.room_id_is_create_hash:
            cited.remove(self.room.create.event_id)
        event = {
            "type": "m.room.member",
            "room_id": room_id,
            "sender": user_id,
            "state_key": user_id,
            "content": {"membership": membership, **self.content},
            "prev_events": self._references([self.room.last]),
            "auth_events": self._references(cited),
            "depth": len(self.room.events) + 1,
            "origin_server_ts": 1,
            **self.template,
        }
        return {
            "event": {name: value for name, value in event.items() if value != "left out"},
            **self.version,
        }

    def _references(self, event_ids: list[str]) -> list[Any]:
        if self.room.version.event_id_is_hash:
            return event_ids
        return [[one, {"sha256": "AAAA"}] for one in event_ids]


def join(user: User, room_id: str, *via: str) -> Answer:
    where = f"/_matrix/client/v3/join/{quote(room_id, safe='')}"
    return user.api.post(where, {}, user.access_token, {"via": list(via) or [ELSEWHERE]})


def _ok(answer: Json | bytes) -> WireResponse:
    return WireResponse(
        200, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    )
