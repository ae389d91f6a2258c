"""Synapse as a library: its events, its rules and its state resolution, called with a store that
has everything in memory. Its functions are coroutines that wait for the store only, so they never
wait here.
"""

import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from synapse import event_auth
from synapse.api.errors import AuthError, SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.events import EventBase, make_event_from_json
from synapse.state import v1, v2
from synapse.storage.databases.main.event_federation import StateDifference

from impl.core.event import Event, StateKey


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("Synapse waits for something")


class Store:
    """Both the store and the clock that state resolution asks for."""

    def __init__(self, events: Mapping[str, EventBase]) -> None:
        self.events = events

    async def get_events(
        self, event_ids: Iterable[str], *_: object, **__: object
    ) -> dict[str, EventBase]:
        return {one: self.events[one] for one in event_ids if one in self.events}

    async def get_auth_chain_difference(self, *_: object) -> StateDifference:
        # Synapse works it out itself for events that it has not stored yet, which is what these
        # are; nothing is left to look up.
        return StateDifference(set(), set())

    async def sleep(self, *_: object) -> None:
        return None


class Room:
    """A room's events as Synapse has them."""

    def __init__(self, version: str, events: Mapping[str, Event], rejected: set[str]) -> None:
        self.version = KNOWN_ROOM_VERSIONS[version]
        self.events = {
            event_id: make_event_from_json(
                json.dumps(event.pdu),
                self.version,
                rejected_reason="marked" if event_id in rejected else None,
            )
            for event_id, event in events.items()
        }
        self.store = Store(self.events)
        self.room_id = next(iter(self.events.values())).room_id

    def resolve(self, states: Sequence[Mapping[StateKey, str]]) -> dict[StateKey, str] | None:
        """None where it gives up: levels with content that no version allows are a SynapseError,
        and only AuthErrors are what it expects. A server with the rules never has such events in a
        state.
        """
        try:
            return self._resolve([dict(state) for state in states])
        except AuthError:
            raise
        except SynapseError:
            return None

    def _resolve(self, sets: list[dict[StateKey, str]]) -> dict[StateKey, str]:
        if self.version.identifier == "1":
            return dict(
                run(
                    v1.resolve_events_with_store(
                        self.room_id, self.version, sets, None, self.store.get_events
                    )
                )
            )
        return dict(
            run(
                v2.resolve_events_with_store(
                    self.store, self.room_id, self.version, sets, dict(self.events), self.store
                )
            )
        )

    def allows(self, event_id: str, state: Mapping[StateKey, str]) -> bool:
        """By the rules about what may be done in a state; they are shown what they are wherever
        Synapse asks them, no more.
        """
        event = self.events[event_id]
        keys = event_auth.auth_types_for_event(self.version, event)
        shown = [self.events[state[key]] for key in keys if key in state]
        try:
            event_auth.check_state_dependent_auth_rules(event, shown)
        except SynapseError:
            return False
        return True

    def takes_citations_of(self, event_id: str) -> bool:
        """By the rules about what an event cites."""
        try:
            run(event_auth.check_state_independent_auth_rules(self.store, self.events[event_id]))
        except SynapseError:
            return False
        return True
