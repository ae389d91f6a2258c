"""What must hold of state resolution whatever the room: hypothesis makes the rooms."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import StateMap, conflicts, settle
from tests.state_resolution.graph import Graph
from tests.state_resolution.literal import Literal
from tests.state_resolution.random_rooms import a_random_room, some_states

VERSIONS = sorted(ROOM_VERSIONS, key=int)

versions = st.sampled_from(VERSIONS)
seeds = st.integers(0, 2**64)
some = settings(max_examples=150, deadline=None)


def room_and_dice(version: str, seed: int) -> tuple[Graph, random.Random]:
    dice = random.Random(seed)
    return a_random_room(version, dice, number_of_events=25), dice


@some
@given(versions, seeds)
def test_it_is_what_a_literal_reading_gives(version, seed):
    graph, dice = room_and_dice(version, seed)
    states = some_states(graph, dice)
    literal = Literal(version, graph.events, graph.rejected)
    assert graph.resolve(states) == literal.resolve(states)


@some
@given(versions, seeds, st.randoms())
def test_neither_the_order_of_the_states_nor_of_their_entries_has_a_say(version, seed, shuffler):
    graph, dice = room_and_dice(version, seed)
    states = some_states(graph, dice)
    shuffled = [dict(shuffler.sample(list(one.items()), len(one))) for one in states]
    shuffler.shuffle(shuffled)
    assert graph.resolve(shuffled) == graph.resolve(states)
    # Nor does it matter to hear one twice.
    assert graph.resolve([*shuffled, shuffler.choice(shuffled)]) == graph.resolve(states)


def topological(graph: Graph, shuffler: random.Random) -> list[str]:
    """Another order in which the events may arrive: any after those that it follows or cites."""
    waiting, arrived = list(graph.events), []
    while waiting:
        ready = [
            one
            for one in waiting
            if set(graph.events[one].prev_event_ids + graph.events[one].auth_event_ids)
            <= set(arrived)
        ]
        arrived.append(shuffler.choice(ready))
        waiting.remove(arrived[-1])
    return arrived


@some
@given(versions, seeds, st.randoms(), st.integers(1, 10))
def test_it_is_the_same_in_whatever_order_and_batches_events_arrive(version, seed, shuffler, size):
    graph, _ = room_and_dice(version, seed)
    other = Graph(version)
    other.create_id, other.rejected = graph.create_id, graph.rejected
    other.events.clear()
    other.states.clear()
    arriving = topological(graph, shuffler)
    for begin in range(0, len(arriving), size):
        batch = arriving[begin : begin + size]
        other.events |= {event_id: graph.events[event_id] for event_id in batch}
        for event_id in batch:
            event = graph.events[event_id]
            before = other.after(*event.prev_event_ids)
            other.states[event_id] = {**before, event.key: event_id}
    assert other.states == graph.states


@some
@given(versions, seeds)
def test_who_knows_the_differences_comes_to_what_whole_states_give(version, seed):
    graph, dice = room_and_dice(version, seed)
    states = some_states(graph, dice)
    unconflicted, conflicted = conflicts.separate(states)
    chains = [graph.auth_chain(state) for state in states]
    disputed = conflicts.auth_difference(chains, unconflicted, graph.events)
    if version == "12":
        ids = {event_id for one in conflicted for event_id in one.values()}
        disputed |= conflicts.conflicted_subgraph(ids, graph.events)
    settled: StateMap = {}
    if any(conflicted):
        settled = settle(
            graph.version, unconflicted, conflicted, disputed, graph.events, graph.rejected
        )
    assert settled | unconflicted == graph.resolve(states)


@some
@given(versions, seeds)
def test_what_no_state_has_and_no_state_rests_on_does_not_come_in(version, seed):
    graph, dice = room_and_dice(version, seed)
    states = some_states(graph, dice)
    known = {event_id for state in states for event_id in state.values()}
    known |= {event_id for state in states for event_id in graph.auth_chain(state)}
    assert set(graph.resolve(states).values()) <= known


LEVELS = ("m.room.power_levels", "")


def a_line_of_levels(version: str, length: int) -> tuple[Graph, str]:
    """Each set of levels rests on the one before; without the states that nobody asks for."""
    graph = Graph(version)
    graph.begin()
    last = "$levels"
    for number in range(length):
        references = graph._references([last, "$alice"])
        last = f"$levels{number}"
        more = {"auth_events": references, "origin_server_ts": 2_000 + number, "depth": number + 9}
        graph.events[last] = Event({**graph.events["$levels"].pdu, **more}, graph.version, last)
    return graph, last


def resolve_a_line(version: str, length: int) -> float:
    """The processor time it takes to resolve the first levels with the last."""
    graph, last = a_line_of_levels(version, length)
    state = graph.states["$public"]
    states = [{**state, LEVELS: "$levels"}, {**state, LEVELS: last}]
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        assert graph.resolve(states)[LEVELS] == last
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize("version", VERSIONS)
def test_a_long_line_of_levels_takes_no_recursion_and_no_quadratic_time(version):
    # Eight times as many: 64 times as long if time were quadratic.
    assert resolve_a_line(version, 4_000) < 20 * max(resolve_a_line(version, 500), 1e-3)
