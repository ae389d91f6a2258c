"""Whom to ask for what is missing in a room, and what is to be believed of the answer.

The server that sent an event has it, and what it stands on. Then comes the server of who wrote it,
then others in the room. An answer is cut to what was asked for before anything in it is looked at;
what is left goes through the checks of receive_pdu.py like everything else."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gevent.lock import BoundedSemaphore

from impl.app import App
from impl.core import identifiers
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.outbound.failures import BadAnswer, FederationFailure, Unreachable
from impl.services.incoming import receive_pdu
from impl.storage import room_servers
from impl.storage.rooms import Room

OTHERS_MAX = 3
# Whole states that this worker takes in at once: each may be of hundreds of megabytes.
STATES_AT_ONCE = 2

T = TypeVar("T")
Json = dict[str, Any]
# Which of some event ids are not here.
Unknown = Callable[[Collection[str]], Collection[str]]


@dataclass
class Source:
    """Some servers that are in a room, to be asked in this order."""

    app: App
    room: Room
    servers: Sequence[str]
    # Those that did not answer; they are not asked again.
    unreachable: dict[str, Unreachable] = field(default_factory=dict)

    @classmethod
    def of(cls, app: App, room: Room, event: Event, origin: str) -> "Source":
        """For what an event refers to that a server has sent."""
        with app.database.read() as txn:
            others = room_servers.list_of_room(txn, room.room_nid)
        wanted = [origin, identifiers.server_name_of(event.sender), *others]
        servers = dict.fromkeys(one for one in wanted if one != app.server_name)
        return cls(app, room, list(servers)[: OTHERS_MAX + 1])

    @property
    def room_version(self) -> RoomVersion:
        return ROOM_VERSIONS[self.room.room_version]

    def ask(self, question: Callable[[str], T]) -> T:
        """The first good answer. Raises what the last server's failure was; Unreachable if one of
        them may answer later.
        """
        failure: FederationFailure | None = None
        for server_name in self.servers:
            if server_name in self.unreachable:
                continue
            try:
                return question(server_name)
            except Unreachable as error:
                self.unreachable[server_name] = error.bare()
            except FederationFailure as error:
                failure = error.bare()
        for unreachable in self.unreachable.values():
            raise unreachable
        raise failure or Unreachable("nobody", "there is no server to ask")

    def missing_events(self, body: Json, limit: int) -> list[Event]:
        """POST /get_missing_events."""

        def question(server_name: str) -> list[Event]:
            client = self.app.federation
            # The rest of the answer is not kept while keys are fetched for these.
            pdus = _list(
                client.get_missing_previous_events(server_name, self.room.room_id, body),
                "events",
                server_name,
            )[:limit]
            return self._read(server_name, pdus)

        return self.ask(question)

    def event(self, event_id: str) -> Event:
        """GET /event."""

        def question(server_name: str) -> Event:
            answer = self.app.federation.get_event(server_name, event_id)
            for event in self._read(server_name, _list(answer, "pdus", server_name)[:1]):
                if event.event_id == event_id:
                    return event
            raise BadAnswer(server_name, f"it answered for {event_id} with something else")

        return self.ask(question)

    def state_ids(self, event_id: str, limit: int) -> tuple[list[str], list[str]]:
        """GET /state_ids: the state before an event, and its auth chain."""

        def question(server_name: str) -> tuple[list[str], list[str]]:
            client = self.app.federation
            answer = client.get_room_state_ids(server_name, self.room.room_id, event_id)
            state = _ids(answer, "pdu_ids", server_name, limit)
            return state, _ids(answer, "auth_chain_ids", server_name, limit)

        return self.ask(question)

    def state(self, event_id: str, limit: int, unknown: Unknown) -> list[Event]:
        """GET /state: of the state before an event, with its auth chain, what is not here."""

        def question(server_name: str) -> list[Event]:
            client = self.app.federation

            def take(answer: Json) -> list[Event]:
                pdus = _list(answer, "pdus", server_name) + _list(answer, "auth_chain", server_name)
                return self._read_unknown(server_name, pdus[:limit], unknown)

            with self.app.part(_States, _States).turns:
                events = client.get_room_state(server_name, self.room.room_id, event_id, take)
                return events  # type: ignore[no-any-return]

        return self.ask(question)

    def auth_chain(self, event_id: str, limit: int, unknown: Unknown) -> list[Event]:
        """GET /event_auth: of an event's auth chain what is not here."""

        def question(server_name: str) -> list[Event]:
            client = self.app.federation

            def take(answer: Json) -> list[Event]:
                pdus = _list(answer, "auth_chain", server_name)
                return self._read_unknown(server_name, pdus[:limit], unknown)

            events = client.get_event_auth(server_name, self.room.room_id, event_id, take)
            return events  # type: ignore[no-any-return]

        return self.ask(question)

    def _read(self, server_name: str, pdus: Sequence[object]) -> list[Event]:
        return receive_pdu.read_events(
            self.app, pdus, self.room_version, self.room.room_id, server_name
        )

    def _read_unknown(
        self, server_name: str, pdus: Sequence[object], unknown: Unknown
    ) -> list[Event]:
        """The signatures of what is here already are not looked at again."""
        parsed = receive_pdu.parse(pdus, self.room_version, self.room.room_id)
        wanted = unknown({one.event_id for one in parsed if isinstance(one, Event)})
        chosen = [one for one in parsed if one.event_id in wanted]
        checked = receive_pdu.check(self.app, chosen, self.room_version)
        return receive_pdu.without_dropped(checked, self.room.room_id, server_name)


class _States:
    """The whole states that this worker takes in."""

    def __init__(self, app: App) -> None:
        self.turns = BoundedSemaphore(STATES_AT_ONCE)


def _list(answer: Json, key: str, server_name: str) -> list[Any]:
    found = answer.get(key)
    if not isinstance(found, list):
        raise BadAnswer(server_name, f"{key} is not a list")
    return found


def _ids(answer: Json, key: str, server_name: str, limit: int) -> list[str]:
    found = _list(answer, key, server_name)
    if len(found) > limit:
        raise BadAnswer(server_name, f"{key} has more than {limit} entries")
    if not all(map(identifiers.is_event_id, found)):
        raise BadAnswer(server_name, f"an entry of {key} is not an event id")
    return list(dict.fromkeys(found))
