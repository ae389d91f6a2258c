"""A room on a made-up server that one of our users came into, and reads."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from impl.app import App
from impl.core.event import Event
from impl.services import history
from impl.services.history import Range
from tests.builders import BOB, a_requester, member
from tests.services.incoming.site import Site
from tests.services.room_events.elsewhere import Elsewhere
from tests.services.room_events.test_backfilled import come_in

Json = dict[str, Any]


def join(app: App, site: Site, room: Elsewhere, *prev: str) -> str:
    """Bob comes into the room at its end, or on top of some events; returns its id."""
    site.add(room)
    joined = room.add(member(BOB, "join"), list(prev) or None)
    site.answers.setdefault("backfill", answering(room))
    return come_in(app, room, joined)


def answering(room: Elsewhere) -> Callable[..., Json]:
    """An honest answer to /backfill."""

    def backfill(room_id: str, v: str, limit: str) -> Json:
        found: dict[str, Event] = {}
        waiting = [v]
        while waiting and len(found) < int(limit):
            waiting.sort(key=lambda one: room.events[one].depth)
            event_id = waiting.pop()
            found[event_id] = room.events[event_id]
            waiting += [one for one in found[event_id].prev_event_ids if one not in found]
        return {"pdus": [one.pdu for one in found.values()]}

    return backfill


def giving(*events: Event | Json) -> Callable[..., Json]:
    """An answer of just these."""
    pdus = [one.pdu if isinstance(one, Event) else one for one in events]
    return lambda *_, **__: {"pdus": pdus}


def read(app: App, room_id: str, limit: int = 100) -> list[str]:
    """The ids of the newest events that Bob is shown, the newest first."""
    answer = history.messages(app, a_requester(BOB), room_id, Range(True, limit=limit))
    return [event_id_of(one) for one in answer["chunk"]]


def event_id_of(raw: Any) -> str:
    return str(msgspec.json.decode(bytes(raw))["event_id"])


def ids(events: Sequence[Event]) -> list[str]:
    return [one.event_id for one in events]
