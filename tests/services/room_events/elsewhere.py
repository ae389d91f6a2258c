"""A room as another server has it, in dicts, by the pure rules alone: what ours must come to."""

from typing import Any

from impl.app import App
from impl.core import event_builder, signing
from impl.core.auth import rules, selection
from impl.core.auth.selection import CREATE
from impl.core.event import Event
from impl.core.event_builder import Draft, Place
from impl.core.rejection import Rejected
from impl.core.room_version import ROOM_VERSIONS
from impl.services.room_events import batching
from impl.services.room_events.submission import Received, Submission
from impl.state_resolution import StateMap, resolve
from tests.builders import ALICE, member

ELSEWHERE = "elsewhere.example"
DAVE = f"@dave:{ELSEWHERE}"
EVELYN = f"@evelyn:{ELSEWHERE}"
FRANK = f"@frank:{ELSEWHERE}"
KEY = signing.new_signing_key(b"\x02" * 32, "else")


class Elsewhere:
    """The other server's view of one room that a user of its own made."""

    def __init__(self, version: str, creator: str = DAVE, name: str = "room") -> None:
        self.version = ROOM_VERSIONS[version]
        self.events: dict[str, Event] = {}
        self.states: dict[str, StateMap] = {}
        self.rejected: set[str] = set()
        self.now_ms = 1_000
        self.room_id: str | None = f"!{name}:{ELSEWHERE}"
        content: dict[str, Any] = {"room_version": version, "test.name": name}
        if not self.version.creator_is_sender:
            content["creator"] = creator
        if self.version.room_id_is_create_hash:
            self.room_id = None
        self.create = self.add(Draft(CREATE[0], creator, content, ""), [])
        self.room_id = self.create.room_id
        self.last = self.create.event_id

    def add(
        self,
        draft: Draft,
        prev: list[str] | None = None,
        cited_state: StateMap | None = None,
        ts: int | None = None,
    ) -> Event:
        """An event on top of some others, or of the last; it need not be allowed. `cited_state`:
        cite from this instead of the state before it.
        """
        prev = [self.last] if prev is None else prev
        before = self.after(*prev)
        keys = selection.auth_types(
            self.version, draft.type, draft.sender, draft.state_key, draft.content
        )
        cited = before if cited_state is None else cited_state
        self.now_ms += 1
        event = event_builder.build(
            draft,
            Place(
                self.room_id,
                self.version,
                prev,
                [cited[key] for key in keys if key in cited],
                1 + max((self.events[one].depth for one in prev), default=0),
            ),
            now_ms=self.now_ms if ts is None else ts,
            server_name=ELSEWHERE,
            signing_key=KEY,
        )
        self.keep(event, before)
        return event

    def keep(self, event: Event, before: StateMap) -> None:
        """Take an event in, made here or not."""
        event_id = event.event_id
        self.events[event_id] = event
        self.states[event_id] = before
        if not self._is_allowed(event, before):
            self.rejected.add(event_id)
        elif event.is_state:
            self.states[event_id] = {**before, event.key: event_id}
        self.last = event_id

    def after(self, *event_ids: str) -> StateMap:
        """The state after some events together."""
        state_sets = [self.states[event_id] for event_id in event_ids]
        if not state_sets:
            return {}
        chains = [self._chain(state) for state in state_sets]
        return resolve(self.version, state_sets, chains, self.events, self.rejected)

    def extremities(self) -> set[str]:
        """The accepted events that no accepted one stands on, be it through rejected ones."""
        covered: set[str] = set()
        waiting = [one for one in self.events if one not in self.rejected]
        while waiting:
            for prev in self.events[waiting.pop()].prev_event_ids:
                covered.add(prev)
                if prev in self.rejected:
                    waiting.append(prev)
        return {one for one in self.events if one not in covered and one not in self.rejected}

    def _is_allowed(self, event: Event, before: StateMap) -> bool:
        cited = {one: self.events[one] for one in event.auth_event_ids}
        by_key = {one.key: one for one in cited.values()}
        if self.version.room_id_is_create_hash and event.type != CREATE[0]:
            by_key[CREATE] = self.create
        try:
            rules.check_state_independent(event, cited, self.rejected)
            rules.check_state_dependent(event, by_key)
            rules.check_state_dependent(event, {key: self.events[i] for key, i in before.items()})
        except Rejected:
            return False
        return True

    def _chain(self, state: StateMap) -> set[str]:
        chain: set[str] = set()
        waiting = list(state.values())
        while waiting:
            for event_id in self.events[waiting.pop()].auth_event_ids:
                if event_id not in chain:
                    chain.add(event_id)
                    waiting.append(event_id)
        return chain


def levels(sender: str, users: dict[str, int], version: str = "11") -> Draft:
    if version == "12":
        users = {user_id: level for user_id, level in users.items() if user_id != DAVE}
    return Draft("m.room.power_levels", sender, {"users": users}, "")


def join_rule(sender: str, rule: str) -> Draft:
    return Draft("m.room.join_rules", sender, {"join_rule": rule}, "")


def topic(sender: str, text: str) -> Draft:
    return Draft("m.room.topic", sender, {"topic": text}, "")


def a_room_of_theirs(version: str = "11", name: str = "room") -> Elsewhere:
    """Public, with Dave in charge and Evelyn in it, and nobody of ours."""
    room = Elsewhere(version, name=name)
    room.add(member(DAVE, "join"))
    room.add(levels(DAVE, {DAVE: 100}, version))
    room.add(join_rule(DAVE, "public"))
    room.add(member(EVELYN, "join"))
    return room


def a_room_elsewhere(version: str = "11", name: str = "room") -> Elsewhere:
    """The same with Alice in it."""
    room = a_room_of_theirs(version, name)
    room.add(member(ALICE, "join"))
    return room


def send(app: App, room: Elsewhere, *events: Event, **options: Any) -> list[str]:
    """Hand events to our server as if they had passed the checks of a transaction."""
    is_new = room.create in events
    received = [Received(one, **options) for one in events if one is not room.create]
    return batching.submit(
        app,
        Submission(
            room.create.room_id,
            [],
            create_event=room.create if is_new else None,
            received=received,
        ),
    )
