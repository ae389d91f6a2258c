"""Random rooms with forks and merges, whose members fight about power with all that the rules have
for it; and the states of such rooms, as servers would hold them.

The same dice give the same room.
"""

import random
from collections.abc import Callable
from typing import Any

from impl.core import signing
from impl.core.auth import rules, selection
from impl.core.power_levels import creators_of
from impl.core.rejection import Rejected
from impl.state_resolution import StateMap
from tests.state_resolution.graph import ALICE, BOB, CHARLIE, DAVE, EVELYN, Graph

USERS = [ALICE, BOB, CHARLIE, DAVE, EVELYN]
JOIN_RULES = ["public", "public", "invite", "knock", "restricted", "knock_restricted", "private"]
# Of levels and join rules. No rule asks for those under another than the empty one.
STATE_KEYS = ["", "", "", "", "", "", "", "", "", "key"]
NAMED = ["ban", "kick", "invite", "redact", "state_default", "events_default", "users_default"]
# Of whoever vouches for third-party invites.
KEY = signing.new_signing_key(b"\x02" * 32, "v")


def a_random_room(
    version: str,
    dice: random.Random,
    *,
    real_ids: bool = False,
    faults: bool = True,
    number_of_events: int = 40,
) -> Graph:
    """Most events are allowed by the state before them, but not all.

    With `faults` some events are marked rejected, some levels are what the version forbids, and
    some rooms do not federate and have members elsewhere all the same.
    """
    create: dict[str, Any] = {}
    if faults and dice.random() < 0.1:
        create["m.federate"] = False
    if dice.random() < 0.4:
        create["additional_creators"] = dice.sample(USERS[1:], k=2)
    graph = Graph(version, real_ids=real_ids, **create)
    _begin(graph, dice)
    begun = len(graph.events)
    rejects = faults and dice.random() < 0.5
    for number in range(number_of_events):
        tips = list(graph.events)[begun - 1 :]
        recent = tips[-6:] if dice.random() < 0.8 else tips
        prev = dice.sample(recent, k=min(len(recent), dice.choice([1, 1, 1, 2])))
        at = {"prev": prev, "ts": 1_000 + dice.randrange(60)}
        event_id = dice.choice(_KINDS)(graph, f"event{number}", dice, at)
        is_wanted = faults or not _names_creators(graph, event_id)
        if not is_wanted or (dice.random() < 0.9 and not is_allowed(graph, event_id)):
            del graph.events[event_id]
            del graph.states[event_id]
        elif rejects and dice.random() < 0.2:
            graph.rejected.add(event_id)
    return graph


def _names_creators(graph: Graph, event_id: str) -> bool:
    event = graph.events[event_id]
    if event.type != "m.room.power_levels" or not graph.version.creators_outrank_all:
        return False
    return not creators_of(graph.events[graph.create_id]).isdisjoint(event.content["users"])


def _begin(graph: Graph, dice: random.Random) -> None:
    graph.member("alice", ALICE, "join")
    # A tenth of the rooms has no levels at first.
    if dice.random() < 0.9:
        graph.levels("levels", ALICE, {ALICE: 100, BOB: dice.choice([0, 50, 100])})
    graph.join_rule("public", ALICE, "public")
    for user_id in (BOB, CHARLIE):
        graph.member(user_id[1:].partition(":")[0], user_id, "join")


def is_allowed(graph: Graph, event_id: str) -> bool:
    """By the state before it."""
    event = graph.events[event_id]
    state = {key: graph.events[one] for key, one in graph.after(*event.prev_event_ids).items()}
    try:
        rules.check_state_dependent(event, state)
    except Rejected:
        return False
    return True


def some_states(graph: Graph, dice: random.Random) -> list[StateMap]:
    """States after some events; one of them perhaps wrong, as a faulty server might tell it."""
    number = dice.choice([2, 2, 3, 4])
    states = [dict(graph.states[one]) for one in dice.sample(list(graph.events), k=number)]
    if dice.random() < 0.5:
        wrong = dice.choice(states)
        key = dice.choice(list(wrong))
        if key != selection.CREATE:
            wrong[key] = dice.choice(
                [one.event_id for one in graph.events.values() if one.key == key]
            )
    if dice.random() < 0.1:
        lacking = dice.choice(states)
        if len(lacking) > 1:
            del lacking[dice.choice([key for key in lacking if key != selection.CREATE])]
    return states


def _levels(graph: Graph, name: str, dice: random.Random, at: dict[str, Any]) -> str:
    def level() -> int | str:
        number = dice.choice([0, 50, 50, 100])
        is_text = not graph.version.integer_power_levels and dice.random() < 0.1
        return f" {number}" if is_text else number

    content: dict[str, Any] = {"users": {user_id: level() for user_id in dice.sample(USERS, k=3)}}
    if dice.random() < 0.8:
        content["users"][ALICE] = 100
    # Creators must not be named since version 12; once in a while one is.
    if graph.version.creators_outrank_all and dice.random() < 0.95:
        creators = graph.events[graph.create_id].content.get("additional_creators", [])
        for creator in (ALICE, *creators):
            content["users"].pop(creator, None)
    for named in dice.sample(NAMED, k=dice.choice([0, 0, 1, 3])):
        content[named] = level()
    if dice.random() < 0.3:
        content["events"] = {"m.room.topic": level(), "m.room.power_levels": level()}
    if dice.random() < 0.2:
        content["notifications"] = {"room": level()}
    sender = dice.choice(USERS[:3])
    return graph.add(name, "m.room.power_levels", sender, content, dice.choice(STATE_KEYS), **at)


def _join_rule(graph: Graph, name: str, dice: random.Random, at: dict[str, Any]) -> str:
    content = {"join_rule": dice.choice(JOIN_RULES)}
    state_key = dice.choice(STATE_KEYS)
    return graph.add(name, "m.room.join_rules", dice.choice(USERS), content, state_key, **at)


def _other_state(graph: Graph, name: str, dice: random.Random, at: dict[str, Any]) -> str:
    sender = dice.choice(USERS)
    of_user = ("org.example.status", dice.choice([sender, sender, *USERS]))
    aliases = ("m.room.aliases", dice.choice(USERS).partition(":")[2])
    kinds = [("m.room.topic", ""), ("m.room.topic", ""), ("m.room.name", ""), of_user, aliases]
    event_type, state_key = dice.choice(kinds)
    return graph.add(name, event_type, sender, {"name": name}, state_key, **at)


def _own_membership(graph: Graph, name: str, dice: random.Random, at: dict[str, Any]) -> str:
    content: dict[str, Any] = {
        "membership": dice.choice(["join", "join", "join", "leave", "knock"])
    }
    if dice.random() < 0.3:
        content["join_authorised_via_users_server"] = dice.choice(USERS)
    sender = dice.choice(USERS)
    return graph.add(name, "m.room.member", sender, content, sender, **at)


def _membership_of_another(graph: Graph, name: str, dice: random.Random, at: dict[str, Any]) -> str:
    membership = dice.choice(["invite", "invite", "leave", "ban", "ban", "join"])
    return graph.member(name, dice.choice(USERS), membership, dice.choice(USERS), **at)


def _third_party(graph: Graph, name: str, dice: random.Random, at: dict[str, Any]) -> str:
    sender, target = dice.choice(USERS[:3]), dice.choice(USERS)
    if dice.random() < 0.5:
        content = {"public_key": signing.encode_base64(KEY.verify_key), "display_name": "x"}
        return graph.add(name, "m.room.third_party_invite", sender, content, "token", **at)
    said = {"mxid": target, "token": "token"}
    invite = {"display_name": "x", "signed": signing.sign_json(said, "example.net", KEY)}
    content = {"membership": "invite", "third_party_invite": invite}
    return graph.add(name, "m.room.member", sender, content, target, **at)


_KINDS: list[Callable[[Graph, str, random.Random, dict[str, Any]], str]] = [
    *([_levels] * 4),
    *([_join_rule] * 2),
    *([_other_state] * 4),
    *([_own_membership] * 4),
    *([_membership_of_another] * 4),
    _third_party,
]
