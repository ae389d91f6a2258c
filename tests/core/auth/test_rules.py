"""Rooms, "Authorisation rules": what an event cites, and the rules that hold for all types."""

from typing import Any

import pytest

from impl.core.auth import rules
from impl.core.event import Event
from impl.core.rejection import Rejected
from tests.core.room_builder import ALICE, ALL_VERSIONS, BOB, CHARLIE, Room, before, since


def room(version: str = "12", **levels: Any) -> Room:
    return Room(version).begin(levels={"users": {ALICE: 100, BOB: 50}, **levels}).is_in(BOB, "join")


def citing(made: Room, event_ids: list[str]) -> Event:
    pdu = dict(made.event("m.room.message", BOB, {}).pdu)
    is_hash = made.version.event_id_is_hash
    pdu["auth_events"] = event_ids if is_hash else [[event_id, {}] for event_id in event_ids]
    return Event(pdu, made.version, "$event:one.example")


def cites(made: Room, *events: Event) -> bool:
    return made.allows(citing(made, [event.event_id for event in events]))


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_an_event_cites_what_the_selection_gives(version):
    made = room(version)
    levels, member = made.state["m.room.power_levels", ""], made.state["m.room.member", BOB]
    usual = [levels, member] if version == "12" else [made.create, levels, member]
    assert cites(made, *usual)
    # Less is no fault of its own.
    assert cites(made, *usual[:-1])
    # Twice the same key, whether by the same event or by another.
    assert not cites(made, *usual, levels)
    again = made.event("m.room.member", BOB, {"membership": "join"}, BOB)
    made.events[again.event_id] = again
    assert not cites(made, *usual, again)
    # What nothing asks for.
    assert not cites(made, *usual, made.state["m.room.member", ALICE])
    assert not cites(made, *usual, made.state["m.room.join_rules", ""])


@pytest.mark.parametrize("version", before("12"))
def test_until_version_11_the_create_event_is_cited(version):
    made = room(version)
    assert cites(made, made.create)
    assert not cites(made, made.state["m.room.member", BOB])


def test_since_version_12_the_create_event_is_not_cited():
    made = room("12")
    assert not cites(made, made.create, made.state["m.room.member", BOB])
    assert cites(made)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_what_is_cited_is_known_accepted_state_of_the_room(version):
    made = room(version)
    event = made.event("m.room.message", BOB, {})
    rules.check_state_independent(event, made.events)
    for event_id in event.auth_event_ids:
        with pytest.raises(Rejected):
            rules.check_state_independent(event, made.events, {event_id})
        with pytest.raises(Rejected):
            others = {name: other for name, other in made.events.items() if name != event_id}
            rules.check_state_independent(event, others)
        elsewhere = {**made.events[event_id].pdu, "room_id": "!elsewhere:one.example"}
        moved = Event(elsewhere, made.version, event_id)
        with pytest.raises(Rejected):
            rules.check_state_independent(event, {**made.events, event_id: moved})
    message = made.put(made.event("m.room.message", BOB, {}))
    assert not cites(made, *([] if version == "12" else [made.create]), message)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("federate", [True, False, None, 0, "false"])
def test_a_room_that_does_not_federate_is_for_one_server(federate, version):
    made = Room(version, **{"m.federate": federate}).begin()
    assert made.may_set(BOB, BOB, "join")
    assert made.may_set(CHARLIE, CHARLIE, "join") is (federate is not False)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_without_the_create_event_nothing_is_allowed(version):
    made = room(version)
    event = made.event("m.room.message", BOB, {})
    del made.state["m.room.create", ""]
    assert not made.allows(event)


def test_since_version_12_the_room_id_names_the_create_event():
    made, other = room("12"), Room("12", more=1)
    event = made.event("m.room.message", BOB, {})
    made.state["m.room.create", ""] = other.create
    assert not made.allows(event)


def test_since_version_12_the_create_event_must_have_been_accepted():
    made = room("12")
    event = made.event("m.room.message", BOB, {})
    with pytest.raises(Rejected):
        rules.check_state_independent(event, made.events, {made.create.event_id})


@pytest.mark.parametrize("membership", ["none", "invite", "leave", "ban", "knock"])
def test_only_who_is_in_the_room_sends(membership):
    assert room().is_in(CHARLIE, "join").may("m.room.message", CHARLIE, {})
    left = room().is_in(CHARLIE, membership)
    assert not left.may("m.room.message", CHARLIE, {})
    assert not left.may("m.room.third_party_invite", CHARLIE, {}, "token")


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("state_key", [None, ""])
@pytest.mark.parametrize("level", [49, 50, 51])
def test_a_type_takes_its_level(level, state_key, version):
    made = room(version, events={"x": level}, state_default=0, events_default=0)
    assert made.may("x", BOB, {}, state_key) is (level <= 50)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_without_levels_state_takes_50_and_messages_0(version):
    made = room(version).is_in(CHARLIE, "join")
    assert made.may("x", CHARLIE, {})
    assert not made.may("x", CHARLIE, {}, "")
    assert made.may("x", BOB, {}, "")


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_before_the_first_levels_the_defaults_hold(version):
    made = Room(version)
    made.join(ALICE)
    made.is_in(CHARLIE, "join")
    assert made.may("x", CHARLIE, {})
    assert not made.may("x", CHARLIE, {}, "")
    assert made.may("x", ALICE, {}, "")
    assert not made.may_set(CHARLIE, BOB, "ban")
    assert made.may_set(ALICE, CHARLIE, "ban")


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(
    ("state_key", "allowed"), [(BOB, True), (ALICE, False), ("@", False), ("bob", True), ("", True)]
)
def test_a_state_key_that_is_a_user_is_that_users(state_key, allowed, version):
    assert room(version).may("x", BOB, {}, state_key) is allowed


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("level", [49, 50, 51])
def test_third_party_invites_take_the_invite_level_alone(level, version):
    made = room(version, invite=level, events={"m.room.third_party_invite": 100})
    assert made.may("m.room.third_party_invite", BOB, {}, "@token") is (level <= 50)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(
    ("sender", "state_key", "special", "usual"),
    [
        (BOB, "one.example", True, True),
        (BOB, "two.example", False, True),
        (BOB, None, False, True),
        # Not even in the room, and without power.
        (CHARLIE, "two.example", True, False),
    ],
)
def test_aliases_are_their_servers_until_version_5(sender, state_key, special, usual, version):
    allowed = special if version in before("6") else usual
    assert room(version).may("m.room.aliases", sender, {}, state_key) is allowed


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(
    ("redacts", "sender", "allowed"),
    [
        ("$x:one.example", BOB, True),
        ("$x:two.example", BOB, True),
        ("$x:one.example", CHARLIE, False),
        ("$x:two.example", CHARLIE, True),
        ("$x", CHARLIE, False),
        (None, CHARLIE, False),
    ],
)
def test_redactions_take_power_or_the_same_server_in_versions_1_and_2(
    redacts, sender, allowed, version
):
    made = room(version).is_in(CHARLIE, "join")
    event = made.event("m.room.redaction", sender, {}, redacts=redacts)
    assert made.allows(event) is (allowed or version in since("3"))


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_create_event_begins_a_room(version):
    made = Room(version)
    later = made.event("m.room.create", ALICE, dict(made.create.content), "")
    assert not made.allows(later)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("name", ["0", "13", "", None, 1, [], {}, "org.example"])
def test_a_create_event_names_a_known_version(name, version):
    with pytest.raises(Rejected):
        Room(version, room_version=name)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_create_event_need_not_name_its_version(version):
    pdu = dict(Room(version).create.pdu)
    pdu["content"] = {"creator": ALICE}
    rules.check_state_independent(Event(pdu, Room(version).version, "$x"), {})
    pdu["content"] = {}
    event = Event(pdu, Room(version).version, "$x")
    if version in since("11"):
        rules.check_state_independent(event, {})
    else:
        with pytest.raises(Rejected):
            rules.check_state_independent(event, {})


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_room_id_is_of_the_senders_server_until_it_is_a_hash(version):
    pdu = {**Room(version).create.pdu, "room_id": "!room:two.example"}
    with pytest.raises(Rejected):
        rules.check_state_independent(Event(pdu, Room(version).version, "$x"), {})


@pytest.mark.parametrize("creators", [None, "x", {}, [1], [None], ["bob"], [BOB, ""], ["@bob"]])
def test_additional_creators_are_user_ids(creators):
    Room("11", additional_creators=creators)
    with pytest.raises(Rejected):
        Room("12", additional_creators=creators)


def test_additional_creators_may_be_none():
    assert Room("12", additional_creators=[]).create.room_id.startswith("!")
