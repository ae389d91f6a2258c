"""The same events judged by Soma's rules and by Synapse's, in states of their rooms."""

import os
import random

import pytest

from impl.core.auth import rules
from impl.core.event import Event
from impl.core.rejection import Rejected
from impl.core.room_version import ROOM_VERSIONS
from tests.peer import deviations
from tests.peer.synapse_side import Room
from tests.peer.tally import TALLY
from tests.state_resolution.graph import Graph
from tests.state_resolution.random_rooms import a_random_room, some_states

GRAPHS = int(os.environ.get("SOMA_PEER_GRAPHS", "10000"))
BATCH = 50
VERSIONS = tuple(ROOM_VERSIONS)
BATCHES = range(max(1, -(-GRAPHS // (BATCH * len(VERSIONS)))))


def allows(event: Event, state: dict[tuple[str, str], Event]) -> bool:
    try:
        rules.check_state_dependent(event, state)
    except Rejected:
        return False
    return True


def takes_citations_of(graph: Graph, event: Event) -> bool:
    try:
        rules.check_state_independent(event, graph.events, graph.rejected)
    except Rejected:
        return False
    return True


def compare(graph: Graph, room: Room, event: Event, ids: dict[tuple[str, str], str]) -> None:
    state = {key: graph.events[one] for key, one in ids.items()}
    TALLY.compared["judgements"] += 1
    ours, theirs = allows(event, state), room.allows(event.event_id, ids)
    if ours != theirs:
        is_known = deviations.target_is_refused if ours else deviations.may_say_anything
        assert is_known(event, state), (event.pdu, ids)
        which = deviations.TARGET if ours else deviations.KEYED
        TALLY.different[f"judgements differ: {which}"] += 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("batch", BATCHES)
def test_synapse_judges_the_same(batch, version):
    for number in range(BATCH):
        dice = random.Random(f"rules {version} {batch * BATCH + number}")
        graph = a_random_room(version, dice, real_ids=True, number_of_events=20)
        room = Room(version, graph.events, graph.rejected)
        states = [state for state in some_states(graph, dice) if len(state) > 1]
        for event in graph.events.values():
            TALLY.compared["citations"] += 1
            assert takes_citations_of(graph, event) == room.takes_citations_of(event.event_id)
            for ids in states:
                compare(graph, room, event, ids)
