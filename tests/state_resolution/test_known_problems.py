"""The problems that the algorithms were made for: MSC1442 (v2) and MSC4297 (v2.1)."""

import pytest

from impl.core.auth.selection import JOIN_RULES, POWER_LEVELS, member
from tests.state_resolution.graph import ALICE, BOB, CHARLIE, DAVE, EVELYN, Graph

TOPIC = ("m.room.topic", "")
SINCE_2 = pytest.mark.parametrize("version", ["2", "6", "11", "12"])


# MSC1442, "Current Algorithm" and "Ordering and Authing".


def a_room_that_was_left_joined_and_left(version: str) -> tuple[Graph, str, str, str]:
    graph = Graph(version)
    graph.begin(BOB)
    left = graph.member("left", BOB, "leave")
    joined = graph.member("joined", BOB, "join")
    return graph, left, joined, graph.member("left again", BOB, "leave")


@SINCE_2
def test_hotel_california_lets_its_guests_leave(version):
    graph, left, joined, left_again = a_room_that_was_left_joined_and_left(version)
    assert graph.after(left, left_again)[member(BOB)] == left_again
    assert graph.after(left, joined)[member(BOB)] == joined
    assert graph.after(left, joined, left_again)[member(BOB)] == left_again


def test_hotel_california_was_open_in_version_1():
    graph, left, joined, left_again = a_room_that_was_left_joined_and_left("1")
    assert graph.after(left, left_again)[member(BOB)] == left
    assert graph.after(left, joined)[member(BOB)] == joined


def a_room_where_power_was_handed_on(version: str) -> tuple[Graph, str, str]:
    graph = Graph(version)
    graph.begin(BOB, CHARLIE)
    first = graph.levels("bob gets it", ALICE, {ALICE: 100, BOB: 100})
    graph.levels("charlie gets it", BOB, {ALICE: 100, BOB: 100, CHARLIE: 100})
    last = graph.levels("all get it", CHARLIE, {ALICE: 100, BOB: 100, CHARLIE: 100, EVELYN: 50})
    return graph, first, last


@SINCE_2
def test_what_lies_between_two_power_levels_is_considered(version):
    graph, first, last = a_room_where_power_was_handed_on(version)
    assert graph.after(first, last)[POWER_LEVELS] == last


def test_what_lies_between_two_power_levels_is_not_considered_in_version_1():
    graph, first, last = a_room_where_power_was_handed_on("1")
    assert graph.after(first, last)[POWER_LEVELS] == first


@pytest.mark.parametrize(("version", "is_in"), [("1", True), ("2", False), ("12", False)])
def test_a_join_on_a_fork_does_not_evade_new_join_rules(version, is_in):
    graph = Graph(version)
    before = graph.begin(BOB)
    closed = graph.join_rule("closed", ALICE, "invite")
    joined = graph.member("evelyn", EVELYN, "join", prev=[before])
    assert (member(EVELYN) in graph.after(closed, joined)) is is_in


@SINCE_2
def test_a_ban_is_not_evaded_by_a_fork(version):
    graph = Graph(version)
    graph.begin(BOB, CHARLIE)
    before = graph.levels("bob moderates", ALICE, {ALICE: 100, BOB: 50})
    banned = graph.member("banned", BOB, "ban", ALICE)
    topic = graph.topic("forked topic", BOB, prev=[before])
    kicked = graph.member("kicked", CHARLIE, "leave", BOB, prev=[topic])

    for others in ([topic], [kicked], [topic, kicked]):
        state = graph.after(banned, *others)
        assert state[member(BOB)] == banned
        assert state[member(CHARLIE)] == "$charlie"
        assert TOPIC not in state


@SINCE_2
def test_a_demotion_cannot_be_answered_on_a_fork(version):
    graph = Graph(version)
    graph.begin(BOB, CHARLIE)
    before = graph.levels("bob moderates", ALICE, {ALICE: 100, BOB: 50})
    demoted = graph.levels("demoted", ALICE, {ALICE: 100, BOB: 0})
    # An older time stamp does not help.
    answer = graph.levels("answer", BOB, {ALICE: 100, BOB: 50, CHARLIE: 50}, prev=[before], ts=1)
    assert graph.after(demoted, answer)[POWER_LEVELS] == demoted


@SINCE_2
def test_pointing_to_old_parts_of_the_room_does_not_reset_state(version):
    graph = Graph(version)
    graph.begin(BOB)
    old = [graph.topic(f"topic {number}", ALICE) for number in range(4)]
    new = graph.topic("new", ALICE)
    assert graph.after(new, *old)[TOPIC] == new


@SINCE_2
def test_new_power_levels_begin_a_new_epoch_whatever_the_clocks_say(version):
    graph = Graph(version)
    graph.begin(BOB)
    before = graph.levels("bob moderates", ALICE, {ALICE: 100, BOB: 50})
    future = graph.topic("from the future", BOB, prev=[before], ts=10**12)
    graph.levels("a new epoch", ALICE, {ALICE: 100, BOB: 50, EVELYN: 1}, prev=[before])
    present = graph.topic("present", ALICE)
    assert graph.after(future, present)[TOPIC] == present


# Where the wording leaves servers two ways, or they go another: power_ordering.py and v2.py.


@SINCE_2
def test_a_join_that_all_have_does_not_hold_up_what_it_allowed(version):
    graph = Graph(version)
    graph.begin(CHARLIE, DAVE, BOB)
    both = graph.levels("both moderate", ALICE, {ALICE: 100, BOB: 60, CHARLIE: 50})
    kicked = graph.member("charlie kicked", CHARLIE, "leave", BOB, prev=[both])
    answer = graph.member("dave kicked", DAVE, "leave", CHARLIE, prev=[both])

    # Bob has more power than Charlie. If his own join, which had none yet, had to come before his
    # kick, and so after Dave's, the kick would be too late.
    state = graph.after(kicked, answer)
    assert state[member(BOB)] == "$bob"
    assert state[member(CHARLIE)] == kicked
    assert state[member(DAVE)] == "$dave"


@SINCE_2
def test_join_rules_that_nobody_asks_for_change_no_order(version):
    graph = Graph(version)
    graph.begin(BOB)
    before = graph.levels("bob moderates", ALICE, {ALICE: 100, BOB: 50})
    named = graph.member("bob named", BOB, "join", prev=[before], ts=5_000)
    rule = graph.add("unasked", "m.room.join_rules", BOB, {"join_rule": "public"}, "key")
    renamed = graph.member("bob renamed", BOB, "join", prev=[before], ts=4_000)
    # Were it a power event, the join that it rests on would come before the older one.
    assert graph.after(rule, renamed)[member(BOB)] == named


@SINCE_2
def test_what_a_power_event_rests_on_beyond_what_is_undisputed_is_ordered_as_all_else(version):
    graph = Graph(version)
    graph.begin(BOB, DAVE)
    before = graph.levels("bob too", ALICE, {ALICE: 100, BOB: 100})
    named = graph.member("bob named", BOB, "join", prev=[before], ts=5_000)
    by_bob = graph.levels("by bob", BOB, {ALICE: 100, BOB: 100, EVELYN: 1})
    kicked = graph.member("dave kicked", DAVE, "leave", ALICE)
    renamed = graph.member("bob renamed", BOB, "join", prev=[before], ts=4_000)
    # Here the join that Bob's levels rest on is ordered with them, and the other comes after.
    both = graph.topic("both", ALICE, prev=[by_bob, renamed])
    assert graph.states[both][member(BOB)] == renamed

    # Here the levels are undisputed, and the kick leads to the join only through them. Since
    # version 12 they are disputed for lying between the two.
    state = graph.after(kicked, both)
    assert state[member(DAVE)] == kicked
    assert state[member(BOB)] == (renamed if version == "12" else named)


# MSC4297. A server was told an old event where its room had a newer one.


def the_join_rules_of_problem_a(version: str) -> tuple[Graph, str, object]:
    graph = Graph(version)
    graph.begin(BOB)
    invited = graph.join_rule("invited", ALICE, "invite")
    graph.member("evelyn invited", EVELYN, "invite", ALICE)
    graph.member("evelyn", EVELYN, "join")
    left = graph.member("alice left", ALICE, "leave")
    correct = graph.states[left]
    told = {**correct, JOIN_RULES: "$public"}
    return graph, invited, graph.resolve([correct, told]).get(JOIN_RULES)


def test_problem_a_unconflicted_state_does_not_unauthorise_what_is_in_conflict():
    _, invited, join_rules = the_join_rules_of_problem_a("12")
    assert join_rules == invited


def test_problem_a_is_there_in_version_11():
    _, _, join_rules = the_join_rules_of_problem_a("11")
    assert join_rules is None


def the_levels_of_problem_b(version: str) -> tuple[Graph, str, object]:
    graph = Graph(version)
    graph.begin(BOB, CHARLIE)
    graph.levels("bob promoted", ALICE, {ALICE: 100, BOB: 100})
    promoted = graph.levels("charlie promoted", BOB, {ALICE: 100, BOB: 100, CHARLIE: 50})
    last = graph.member("evelyn", EVELYN, "join")
    correct = graph.states[last]
    told = {**correct, POWER_LEVELS: "$levels"}
    return graph, promoted, graph.resolve([correct, told])[POWER_LEVELS]


def test_problem_b_the_events_between_conflicted_events_are_replayed():
    _, promoted, levels = the_levels_of_problem_b("12")
    assert levels == promoted


def test_problem_b_is_there_in_version_11():
    _, _, levels = the_levels_of_problem_b("11")
    assert levels == "$levels"


# Details.


def test_a_rejected_auth_event_allows_nothing():
    graph = Graph("12")
    graph.begin(BOB)
    graph.levels("bob moderates", ALICE, {BOB: 50})
    both = graph.add("both rest on bob", "m.room.name", BOB, {})
    topics = [graph.topic("older", ALICE, prev=[both]), graph.topic("newer", BOB, prev=[both])]
    assert graph.after(*topics)[TOPIC] == topics[1]

    # All states have Bob in the room, but v2.1 starts from none: only what the topic cites counts.
    graph.rejected.add("$bob")
    assert graph.after(*topics)[TOPIC] == topics[0]


def test_a_conflict_about_the_create_event_is_survived():
    graph = Graph("12")
    last = graph.begin(BOB)
    state = graph.states[last]
    assert graph.resolve([state, {}]) == state


@pytest.mark.parametrize("version", ["1", "2"])
def test_events_that_cite_in_a_circle_end_nothing(version):
    graph = Graph(version)
    graph.begin(BOB)
    one = graph.levels("one", ALICE, {ALICE: 100})
    other = graph.levels("other", ALICE, {ALICE: 100}, prev=["$bob"])
    topics = [graph.topic("topic", ALICE, prev=[one]), graph.topic("more", ALICE, prev=[other])]
    graph.events[one].pdu["auth_events"].append([other, {}])
    graph.events[other].pdu["auth_events"].append([one, {}])
    assert graph.after(*topics)[TOPIC] in topics
