"""The algorithms against a slow, literal reading of the specification, on random rooms."""

import itertools
import random

import pytest

from impl.core.auth import rules, selection
from impl.core.rejection import Rejected
from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import StateMap, resolve
from tests.state_resolution.graph import ALICE, BOB, CHARLIE, DAVE, EVELYN, Graph
from tests.state_resolution.literal import Literal

USERS = [ALICE, BOB, CHARLIE, DAVE, EVELYN]
VERSIONS = ["1", "2", "6", "11", "12"]
SEEDS = range(60)


def a_random_room(version: str, dice: random.Random) -> Graph:
    """Forks and merges. Most events are allowed by the state before them, but not all."""
    graph = Graph(version)
    graph.begin(BOB, CHARLIE)
    for number in range(40):
        tips = list(graph.events)[3:]
        recent = tips[-6:] if dice.random() < 0.8 else tips
        prev = dice.sample(recent, k=min(len(recent), dice.choice([1, 1, 1, 2])))
        event_id = add_something(graph, f"event{number}", prev, dice)
        if dice.random() < 0.9 and not is_allowed(graph, event_id):
            del graph.events[event_id]
            del graph.states[event_id]
        elif dice.random() < 0.1:
            graph.rejected.add(event_id)
    return graph


def add_something(graph: Graph, name: str, prev: list[str], dice: random.Random) -> str:
    sender, target = dice.choice(USERS), dice.choice(USERS)
    at = {"prev": prev, "ts": 1_000 + dice.randrange(60)}
    kind = dice.choice(["levels", "levels", "join rule", "topic", "own", "own", "other", "other"])
    if kind == "levels":
        users = {user_id: dice.choice([0, 50, 50, 100]) for user_id in USERS[1:3]}
        return graph.levels(name, sender, {ALICE: 100, **users}, **at)
    if kind == "join rule":
        return graph.join_rule(name, sender, dice.choice(["public", "invite"]), **at)
    if kind == "topic":
        return graph.topic(name, sender, **at)
    if kind == "own":
        return graph.member(name, sender, dice.choice(["join", "join", "leave"]), **at)
    membership = dice.choice(["invite", "leave", "ban"])
    return graph.member(name, target, membership, sender, **at)


def is_allowed(graph: Graph, event_id: str) -> bool:
    event = graph.events[event_id]
    before = graph.after(*event.prev_event_ids)
    state = {key: graph.events[one] for key, one in before.items()}
    try:
        rules.check_state_dependent(event, state)
    except Rejected:
        return False
    return True


def some_states(graph: Graph, dice: random.Random) -> list[StateMap]:
    """States after some events; one of them perhaps wrong, as a faulty server might tell it."""
    states = [
        dict(graph.states[event_id])
        for event_id in dice.sample(list(graph.events), k=dice.choice([2, 2, 3]))
    ]
    if dice.random() < 0.5:
        wrong = dice.choice(states)
        key = dice.choice(list(wrong))
        if key != selection.CREATE:
            wrong[key] = dice.choice(
                [one.event_id for one in graph.events.values() if one.key == key]
            )
    if dice.random() < 0.1:
        lacking = dice.choice(states)
        del lacking[dice.choice(list(lacking))]
    return states


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
