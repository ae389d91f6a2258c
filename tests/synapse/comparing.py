"""Whether servers agree on a room: its state, event by event, and what was said in it."""

import time
from collections.abc import Callable
from typing import Any

from tests.synapse.people import WAIT_S_MAX, Json, Person

# What clients get of an event beside the event itself; Synapse has some of `unsigned` outside of it
# as well, as the first version of the API had it.
OF_CLIENTS = {
    "unsigned",
    "age",
    "user_id",
    "replaces_state",
    "prev_content",
    "redacted_because",
    "invite_room_state",
    "knock_room_state",
}


def bare(event: Json) -> Json:
    """What every server must say of an event."""
    return {key: value for key, value in event.items() if key not in OF_CLIENTS}


def eventually(what: Callable[[], Any], why: Callable[[], str], wait_s: float = WAIT_S_MAX) -> None:
    deadline = time.monotonic() + wait_s
    while not what():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


def agree(room_id: str, *people: Person, wait_s: float = WAIT_S_MAX) -> None:
    """Wait until all of them are told the same state."""

    def differences() -> list[str]:
        first, *others = (one.state(room_id) for one in people)
        return [
            f"{key} at {other.user_id}: {_shown(state.get(key))}, not {_shown(first.get(key))}"
            for other, state in zip(people[1:], others, strict=True)
            for key in first.keys() | state.keys()
            if _bare_or_none(first.get(key)) != _bare_or_none(state.get(key))
        ]

    eventually(lambda: not differences(), lambda: "\n".join(differences()), wait_s)


def know(room_id: str, event_ids: list[str], *people: Person, wait_s: float = WAIT_S_MAX) -> None:
    """Wait until all find all of these events when they look back in the room, and the same."""

    def missing() -> dict[str, list[str]]:
        found = {}
        for one in people:
            seen = {event["event_id"] for event in one.history(room_id)}
            found[one.user_id] = [each for each in event_ids if each not in seen]
        return {user_id: lost for user_id, lost in found.items() if lost}

    eventually(lambda: not missing(), lambda: f"not known: {missing()}", wait_s)
    told = [{one["event_id"]: bare(one) for one in person.history(room_id)} for person in people]
    for event_id in event_ids:
        forms = [one[event_id] for one in told]
        assert all(one == forms[0] for one in forms), forms


def _bare_or_none(event: Json | None) -> Json | None:
    return None if event is None else bare(event)


def _shown(event: Json | None) -> str:
    return "nothing" if event is None else str(bare(event))
