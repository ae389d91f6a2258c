"""The algorithms against a slow, literal reading of the specification, on random rooms."""

import itertools
import random

import pytest

from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import resolve
from tests.state_resolution.literal import Literal
from tests.state_resolution.random_rooms import a_random_room, some_states

VERSIONS = tuple(ROOM_VERSIONS)
SEEDS = range(40)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_what_a_literal_reading_gives(version, seed):
    dice = random.Random(seed)
    graph = a_random_room(version, dice)
    literal = Literal(version, graph.events, graph.rejected)
    for _ in range(10):
        states = some_states(graph, dice)
        assert graph.resolve(states) == literal.resolve(states)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", SEEDS[::4])
def test_the_order_of_the_inputs_does_not_matter(version, seed):
    dice = random.Random(seed)
    graph = a_random_room(version, dice)
    for _ in range(5):
        states = some_states(graph, dice)
        expected = graph.resolve(states)
        for permuted in itertools.permutations(states):
            shuffled = [dict(dice.sample(list(one.items()), len(one))) for one in permuted]
            assert graph.resolve(shuffled) == expected
        # To hear a state twice changes nothing either.
        assert graph.resolve([*states, states[0]]) == expected


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", SEEDS[::4])
def test_a_state_resolved_with_itself_is_itself(version, seed):
    dice = random.Random(seed)
    graph = a_random_room(version, dice)
    for state in graph.states.values():
        assert graph.resolve([state]) == state
        assert graph.resolve([state, dict(state)]) == state


@pytest.mark.parametrize("version", ["2", "11", "12"])
@pytest.mark.parametrize("seed", SEEDS[::4])
def test_chains_without_what_all_have_give_the_same(version, seed):
    dice = random.Random(seed)
    graph = a_random_room(version, dice)
    for _ in range(5):
        states = some_states(graph, dice)
        chains = [graph.auth_chain(state) for state in states]
        rests = [chain - set.intersection(*chains) for chain in chains]
        rested = resolve(graph.version, states, rests, graph.events, graph.rejected)
        assert rested == graph.resolve(states)


@pytest.mark.parametrize("version", sorted(ROOM_VERSIONS))
def test_no_states_give_the_empty_state(version):
    assert resolve(ROOM_VERSIONS[version], [], [], {}) == {}
