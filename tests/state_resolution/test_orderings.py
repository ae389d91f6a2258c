"""The parts of v2 one by one: conflicts, power ordering, mainline ordering."""

from impl.core.auth.selection import POWER_LEVELS, member
from impl.state_resolution.conflicts import auth_difference, conflicted_subgraph, separate
from impl.state_resolution.mainline_ordering import mainline_ordering
from impl.state_resolution.power_ordering import (
    is_power_event,
    reverse_topological_power_ordering,
    select_power_events,
)
from tests.state_resolution.graph import ALICE, BOB, CHARLIE, DAVE, Graph

NAME, TOPIC = ("m.room.name", ""), ("m.room.topic", "")


def test_a_key_that_one_state_lacks_is_conflicted():
    states = [{NAME: "$n", TOPIC: "$t"}, {NAME: "$n"}]
    assert separate(states) == ({NAME: "$n"}, [{TOPIC: "$t"}, {}])


def test_a_key_with_two_values_is_conflicted_in_all_states():
    states = [{TOPIC: "$1"}, {TOPIC: "$2"}, {TOPIC: "$1"}]
    assert separate(states) == ({}, states)


def test_the_auth_difference_is_what_not_every_chain_has():
    graph = Graph("11")
    graph.begin(BOB, CHARLIE)
    chains = [{"$create", "$alice"}, {"$create", "$levels"}, {"$create", "$alice"}]
    assert auth_difference(chains, {}, graph.events) == {"$alice", "$levels"}
    assert auth_difference([{"$create"}, {"$create"}], {}, graph.events) == set()
    assert auth_difference([], {}, graph.events) == set()


def test_what_all_states_have_is_in_the_full_chains_of_all():
    graph = Graph("11")
    graph.begin(BOB)
    graph.levels("later levels", ALICE, {ALICE: 100, BOB: 50})
    chains = [{"$create", "$bob", "$levels"}, {"$create"}]
    agreed = {member(BOB): "$bob", POWER_LEVELS: "$later levels"}
    # Levels that none has any more are only rested on.
    assert auth_difference(chains, agreed, graph.events) == {"$levels"}


def test_the_subgraph_is_what_lies_between_conflicted_events():
    graph = Graph("12")
    graph.begin(BOB, CHARLIE)
    first = graph.levels("first", ALICE, {BOB: 100})
    between = graph.levels("between", BOB, {BOB: 100, CHARLIE: 100})
    aside = graph.member("dave", DAVE, "join")
    last = graph.levels("last", CHARLIE, {BOB: 100, CHARLIE: 100, DAVE: 1})

    assert conflicted_subgraph({first, last}, graph.events) == {first, between, last}
    assert conflicted_subgraph({first, last, aside}, graph.events) >= {between, aside}
    # What is older than both lies between none.
    assert "$levels" not in conflicted_subgraph({first, last}, graph.events)


def test_power_events_are_those_that_take_power_away():
    graph = Graph("12")
    graph.begin(BOB)
    assert is_power_event(graph.events["$levels"])
    assert is_power_event(graph.events["$public"])
    assert is_power_event(graph.events[graph.member("kick", BOB, "leave", ALICE)])
    assert is_power_event(graph.events[graph.member("ban", BOB, "ban", ALICE)])
    assert not is_power_event(graph.events[graph.member("leaves", BOB, "leave")])
    assert not is_power_event(graph.events["$alice"])
    assert not is_power_event(graph.events[graph.topic("topic", ALICE)])


def test_levels_and_join_rules_under_a_state_key_take_no_power_from_anybody():
    graph = Graph("12")
    graph.begin(BOB)
    rule = graph.add("rule", "m.room.join_rules", ALICE, {"join_rule": "invite"}, "key")
    levels = graph.add("levels", "m.room.power_levels", ALICE, {}, "key")
    assert not is_power_event(graph.events[rule])
    assert not is_power_event(graph.events[levels])


def test_power_events_bring_what_they_rest_on_if_it_is_in_conflict():
    graph = Graph("12")
    graph.begin(BOB)
    ban = graph.member("ban", BOB, "ban", ALICE)
    topic = graph.topic("topic", ALICE)
    chosen = select_power_events({ban, topic, "$bob", "$alice"}, graph.events)
    assert chosen == {ban, "$bob", "$alice"}


def test_what_a_power_event_rests_on_is_looked_for_among_what_is_in_conflict_only():
    graph = Graph("11")
    graph.begin(BOB)
    graph.levels("bob promoted", ALICE, {ALICE: 100, BOB: 100})
    by_bob = graph.levels("by bob", BOB, {ALICE: 100, BOB: 100, CHARLIE: 1})
    rule = graph.join_rule("closed", ALICE, "invite")
    # From the join rule to Bob's levels, from these to his join.
    assert select_power_events({rule, by_bob, "$bob"}, graph.events) == {rule, by_bob, "$bob"}
    assert select_power_events({rule, "$bob"}, graph.events) == {rule}


def test_who_has_more_power_comes_first_then_the_older_then_the_smaller_id():
    graph = Graph("11")
    graph.begin(BOB)
    base = graph.levels("both", ALICE, {ALICE: 100, BOB: 50})
    bob_early = graph.join_rule("bob early", BOB, "public", prev=[base], ts=1)
    alice_late = graph.join_rule("alice late", ALICE, "public", prev=[base], ts=9)
    alice_a = graph.join_rule("alice a", ALICE, "public", prev=[base], ts=5)
    alice_b = graph.join_rule("alice b", ALICE, "public", prev=[base], ts=5)
    chosen = [bob_early, alice_late, alice_b, alice_a]
    ordered = reverse_topological_power_ordering(chosen, graph.events)
    assert ordered == [alice_a, alice_b, alice_late, bob_early]


def test_what_is_cited_comes_first_whoever_sent_it():
    graph = Graph("11")
    graph.begin(BOB)
    graph.levels("both", ALICE, {ALICE: 100, BOB: 100})
    weaker = graph.levels("bob steps down", BOB, {ALICE: 100, BOB: 50}, ts=9)
    weakest = graph.levels("bob steps down more", BOB, {ALICE: 100}, ts=8)
    stronger = graph.levels("alice follows", ALICE, {ALICE: 100, CHARLIE: 1}, ts=1)
    ordered = reverse_topological_power_ordering([stronger, weakest, weaker], graph.events)
    assert ordered == [weaker, weakest, stronger]


def test_a_creator_of_version_12_has_more_power_than_any_level():
    graph = Graph("12")
    graph.begin(BOB)
    base = graph.levels("bob", ALICE, {BOB: 2**53 - 1})
    bobs = graph.join_rule("bob's", BOB, "public", prev=[base], ts=1)
    alices = graph.join_rule("alice's", ALICE, "public", prev=[base], ts=2)
    assert reverse_topological_power_ordering([bobs, alices], graph.events) == [alices, bobs]


def test_the_older_the_levels_an_event_rests_on_the_earlier_it_comes():
    graph = Graph("11")
    graph.begin(BOB)
    old_late = graph.topic("old late", ALICE, prev=["$bob"], ts=99)
    old_early = graph.topic("old early", ALICE, prev=["$bob"], ts=50)
    new_levels = graph.levels("new levels", ALICE, {ALICE: 100}, prev=["$bob"])
    new = graph.topic("new", ALICE, ts=1)
    nowhere = graph.topic("nowhere", ALICE, prev=["$alice"], ts=100)
    # Levels beside the mainline lead to where they leave it.
    graph.levels("side levels", ALICE, {ALICE: 100, BOB: 1}, prev=["$bob"])
    side = graph.topic("side", ALICE, ts=70)

    chosen = [new, side, old_late, old_early, nowhere]
    ordered = mainline_ordering(chosen, new_levels, graph.events)
    assert ordered == [nowhere, old_early, side, old_late, new]


def test_without_power_levels_only_time_and_id_count():
    graph = Graph("11")
    graph.begin(BOB)
    late, early = graph.topic("late", ALICE, ts=2), graph.topic("early", ALICE, ts=1)
    assert mainline_ordering([late, early], None, graph.events) == [early, late]
