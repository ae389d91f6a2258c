"""The same random rooms resolved by Soma and by Synapse."""

import os
import random

import pytest

from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import StateMap
from tests.peer import deviations
from tests.peer.deviations import AsSynapse
from tests.peer.synapse_side import Room
from tests.peer.tally import TALLY
from tests.state_resolution.graph import Graph
from tests.state_resolution.random_rooms import a_random_room, some_states

GRAPHS = int(os.environ.get("SOMA_PEER_GRAPHS", "10000"))
BATCH = 50
VERSIONS = tuple(ROOM_VERSIONS)
BATCHES = range(max(1, -(-GRAPHS // (BATCH * len(VERSIONS)))))


def explain(version: str, graph: Graph, states: list[StateMap], theirs: StateMap) -> str:
    """Which deviation makes the literal reading come to what Synapse came to; none: a fault."""
    for chosen in [*((one,) for one in deviations.ALL), deviations.ALL]:
        reading = AsSynapse(version, graph.events, graph.rejected, *chosen)
        if reading.resolve(states) == theirs:
            return chosen[0] if len(chosen) == 1 else "several of these"
    return ""


def compare(version: str, seed: str, *, faults: bool) -> None:
    what = "with faults" if faults else "of rooms"
    dice = random.Random(seed)
    graph = a_random_room(version, dice, real_ids=True, faults=faults)
    room = Room(version, graph.events, graph.rejected)
    TALLY.compared[f"graphs {what}"] += 1
    for _ in range(4):
        states = some_states(graph, dice)
        ours, theirs = graph.resolve(states), room.resolve(states)
        TALLY.compared[f"resolutions {what}"] += 1
        if ours == theirs:
            continue
        if theirs is None:
            assert faults
            TALLY.different[f"resolutions {what} are refused by Synapse"] += 1
            continue
        # The specification decides: it is on our side, and it is known why it is not on theirs.
        reading = AsSynapse(version, graph.events, graph.rejected)
        assert ours == reading.resolve(states), f"{seed}: Soma leaves the specification"
        reason = explain(version, graph, states, theirs)
        assert reason, f"{seed}: Synapse differs for a reason that is not known"
        TALLY.different[f"resolutions {what} differ: {reason}"] += 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("batch", BATCHES)
def test_synapse_comes_to_the_same_state(batch, version):
    for number in range(BATCH):
        compare(version, f"{version} {batch * BATCH + number}", faults=False)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("batch", BATCHES[::10])
def test_where_rooms_have_faults_it_is_known_why_synapse_differs(batch, version):
    for number in range(BATCH):
        compare(version, f"faults {version} {batch * BATCH + number}", faults=True)
