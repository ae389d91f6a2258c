"""Rooms, "Authorisation rules", m.room.member: who may do what to whom."""

import itertools

import pytest

from impl.core import signing
from impl.core.event import Event
from tests.core.room_builder import (
    ALICE,
    ALL_VERSIONS,
    BOB,
    CHARLIE,
    DAVE,
    KEY,
    Room,
    before,
    since,
)

MEMBERSHIPS = ("none", "invite", "join", "leave", "ban", "knock")
PAIRS = list(itertools.product(MEMBERSHIPS, MEMBERSHIPS))


def room(version: str = "12", join_rule: str = "public", **levels: object) -> Room:
    users = {ALICE: 100, BOB: 50}
    return Room(version).begin(join_rule, {"users": users, **levels})


# The join rule, and with which memberships one may join by it.
JOINS = [
    ("public", {"none", "invite", "join", "leave", "knock"}, "1"),
    ("invite", {"invite", "join"}, "1"),
    ("knock", {"invite", "join"}, "7"),
    ("restricted", {"invite", "join"}, "8"),
    ("knock_restricted", {"invite", "join"}, "10"),
    ("private", set(), "1"),
    ("org.example.unknown", set(), "1"),
]


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("membership", MEMBERSHIPS)
@pytest.mark.parametrize(("rule", "allowed", "first"), JOINS)
def test_joining_follows_the_join_rule(rule, allowed, first, membership, version):
    known = version in since(first)
    made = room(version, rule).is_in(CHARLIE, membership)
    assert made.may_set(CHARLIE, CHARLIE, "join") is (known and membership in allowed)


def test_a_room_without_a_join_rule_is_for_the_invited():
    made = Room()
    made.join(ALICE)
    assert not made.may_set(CHARLIE, CHARLIE, "join")
    assert made.is_in(CHARLIE, "invite").may_set(CHARLIE, CHARLIE, "join")


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_creator_joins_first_and_nobody_else(version):
    made = Room(version)
    assert made.may_set(ALICE, ALICE, "join")
    assert not made.may_set(BOB, BOB, "join")
    made.join(ALICE)
    # Not on top of the create event alone any more.
    made.is_in(ALICE, "leave")
    assert not made.may_set(ALICE, ALICE, "join")


@pytest.mark.parametrize("version", before("11"))
def test_until_version_10_the_creator_is_whom_the_content_names(version):
    made = Room(version, creator=BOB)
    assert made.may_set(BOB, BOB, "join")
    assert not made.may_set(ALICE, ALICE, "join")


@pytest.mark.parametrize("version", since("11"))
def test_since_version_11_the_creator_is_the_sender(version):
    made = Room(version, creator=BOB)
    assert made.may_set(ALICE, ALICE, "join")
    assert not made.may_set(BOB, BOB, "join")


def test_additional_creators_do_not_join_first():
    assert not Room("12", additional_creators=[BOB]).may_set(BOB, BOB, "join")


def test_nobody_joins_for_another():
    made = room().is_in(CHARLIE, "invite")
    assert not made.may_set(ALICE, CHARLIE, "join")


# Restricted rooms: who authorises the join, and whether that helps.
AUTHORISERS = [
    (ALICE, True),
    (BOB, True),
    (DAVE, False),
    (CHARLIE, False),
    (None, False),
    (1, False),
]


@pytest.mark.parametrize("version", since("8"))
@pytest.mark.parametrize("membership", ["none", "leave", "knock", "ban"])
@pytest.mark.parametrize(("authoriser", "helps"), AUTHORISERS)
def test_a_restricted_join_is_authorised_by_who_may_invite(authoriser, helps, membership, version):
    made = room(version, "restricted", invite=50).is_in(BOB, "join").is_in(DAVE, "join")
    made.is_in(CHARLIE, membership)
    allowed = made.may_set(CHARLIE, CHARLIE, "join", join_authorised_via_users_server=authoriser)
    assert allowed is (helps and membership != "ban")


def test_who_authorises_a_join_must_be_in_the_room():
    made = room("12", "restricted").is_in(BOB, "leave")
    assert not made.may_set(CHARLIE, CHARLIE, "join", join_authorised_via_users_server=BOB)


# Who invites whom: the sender's and the target's membership, and the sender's power.
@pytest.mark.parametrize("version", ["1", "10", "11", "12"])
@pytest.mark.parametrize(("sender", "target"), PAIRS)
def test_inviting_takes_being_in_the_room(sender, target, version):
    made = room(version).is_in(BOB, sender).is_in(CHARLIE, target)
    assert made.may_set(BOB, CHARLIE, "invite") is (
        sender == "join" and target not in ("join", "ban")
    )


@pytest.mark.parametrize(("level", "allowed"), [(49, True), (50, True), (51, False)])
def test_inviting_takes_the_invite_level(level, allowed):
    assert room(invite=level).is_in(BOB, "join").may_set(BOB, CHARLIE, "invite") is allowed


def test_anybody_in_the_room_may_invite_by_default():
    assert room().is_in(DAVE, "join").may_set(DAVE, CHARLIE, "invite")


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("membership", MEMBERSHIPS)
def test_leaving_takes_being_in_invited_or_knocking(membership, version):
    allowed = {"invite", "join"} | ({"knock"} if version in since("7") else set())
    made = room(version).is_in(CHARLIE, membership)
    assert made.may_set(CHARLIE, CHARLIE, "leave") is (membership in allowed)


@pytest.mark.parametrize(("sender", "target"), PAIRS)
@pytest.mark.parametrize("membership", ["leave", "ban"])
def test_kicks_and_bans_take_being_in_the_room_oneself(membership, sender, target):
    made = room().is_in(BOB, sender).is_in(CHARLIE, target)
    assert made.may_set(BOB, CHARLIE, membership) is (sender == "join")


# Levels: of the sender, of the target, of kicking or banning; whether the target may be removed.
POWER = [
    (50, 0, 50, True),
    (49, 0, 50, False),
    (50, 49, 50, True),
    (50, 50, 50, False),
    (50, 51, 50, False),
    (50, 0, 51, False),
    (0, -1, 0, True),
    (0, 0, 0, False),
]


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(("sender", "target", "needed", "allowed"), POWER)
@pytest.mark.parametrize(("membership", "name"), [("leave", "kick"), ("ban", "ban")])
def test_removing_takes_power(membership, name, sender, target, needed, allowed, version):
    made = room(version).is_in(BOB, "join").is_in(CHARLIE, "join")
    made.levels(users={BOB: sender, CHARLIE: target}, **{name: needed})
    assert made.may_set(BOB, CHARLIE, membership) is allowed


@pytest.mark.parametrize(
    ("ban", "kick", "allowed"), [(50, 50, True), (51, 50, False), (50, 51, False), (0, 0, True)]
)
def test_lifting_a_ban_takes_both_levels(ban, kick, allowed):
    made = room(ban=ban, kick=kick).is_in(BOB, "join").is_in(CHARLIE, "ban")
    assert made.may_set(BOB, CHARLIE, "leave") is allowed


def test_the_banned_do_not_lift_their_own_ban():
    assert not room().is_in(CHARLIE, "ban").may_set(CHARLIE, CHARLIE, "leave")


def test_nobody_bans_oneself():
    assert not room().may_set(ALICE, ALICE, "ban")


def test_creators_are_not_removed_even_by_each_other():
    made = Room("12", additional_creators=[BOB]).begin(levels={"users": {CHARLIE: 2**53 - 1}})
    made.is_in(BOB, "join").is_in(CHARLIE, "join")
    assert not made.may_set(CHARLIE, BOB, "leave")
    assert not made.may_set(ALICE, BOB, "ban")
    assert not made.may_set(BOB, ALICE, "leave")
    assert made.may_set(BOB, CHARLIE, "ban")


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("membership", MEMBERSHIPS)
@pytest.mark.parametrize("rule", ["public", "invite", "knock", "restricted", "knock_restricted"])
def test_knocking_takes_a_rule_that_asks_for_it(rule, membership, version):
    rules = {"knock"} if version in since("7") else set()
    rules |= {"knock_restricted"} if version in since("10") else set()
    made = room(version, rule).is_in(CHARLIE, membership)
    allowed = rule in rules and membership in ("none", "leave", "knock")
    assert made.may_set(CHARLIE, CHARLIE, "knock") is allowed


def test_nobody_knocks_for_another():
    assert not room("12", "knock").may_set(ALICE, CHARLIE, "knock")


@pytest.mark.parametrize("membership", [None, 1, [], {}, "JOIN", "", "org.example.peek"])
def test_other_memberships_are_refused(membership):
    content = {"membership": membership}
    assert not room().may("m.room.member", ALICE, content, ALICE)


def test_a_membership_is_state_and_is_said():
    assert not room().may("m.room.member", ALICE, {"membership": "join"})
    assert not room().may("m.room.member", ALICE, {}, ALICE)


def third_party_room(**content: object) -> Room:
    made = room().is_in(BOB, "join")
    key = signing.encode_base64(KEY.verify_key)
    given = content or {"public_key": key, "display_name": "C"}
    made.send("m.room.third_party_invite", BOB, given, "token")
    return made


def third_party_invite(
    made: Room, sender: str = BOB, target: str = CHARLIE, **signed: object
) -> Event:
    said = {"mxid": CHARLIE, "token": "token", **signed}
    invite = {"display_name": "C", "signed": signing.sign_json(said, "identity.example", KEY)}
    content = {"membership": "invite", "third_party_invite": invite}
    return made.event("m.room.member", sender, content, target)


def test_a_third_party_invite_is_allowed_by_its_signature():
    made = third_party_room()
    assert made.allows(third_party_invite(made))
    # It is an invite all the same for who has joined meanwhile; the rule asks for bans only.
    assert made.allows(third_party_invite(made.is_in(CHARLIE, "join")))
    assert not made.allows(third_party_invite(made.is_in(CHARLIE, "ban")))


def test_a_third_party_invite_is_for_one_user_from_one_user_by_one_token():
    made = third_party_room()
    assert not made.allows(third_party_invite(made, target=DAVE))
    assert not made.allows(third_party_invite(made, sender=ALICE))
    assert not made.allows(third_party_invite(made, token="another"))
    assert not made.allows(third_party_invite(made, mxid=DAVE))


def test_any_key_of_the_list_will_do():
    key = signing.encode_base64(KEY.verify_key)
    other = signing.encode_base64(b"\x05" * 32)
    listed = [None, {}, {"public_key": 1}, {"public_key": "!"}, {"public_key": key}]
    made = third_party_room(public_key=other, public_keys=listed)
    assert made.allows(third_party_invite(made))
    made = third_party_room(public_key=other, public_keys=listed[:-1])
    assert not made.allows(third_party_invite(made))


SIGNED = {"mxid": CHARLIE, "token": "token"}


@pytest.mark.parametrize(
    "invite",
    [
        None,
        "x",
        {},
        {"signed": None},
        {"signed": {}},
        {"signed": {"mxid": CHARLIE}},
        {"signed": {"mxid": 1, "token": []}},
        {"signed": SIGNED},
        {"signed": {**SIGNED, "signatures": []}},
        {"signed": {**SIGNED, "signatures": {"a": 1}}},
        {"signed": {**SIGNED, "signatures": {"a": {"ed25519:a": None, "rsa:a": "AA"}}}},
        {"signed": {**SIGNED, "signatures": {"a": {"ed25519:a": "é"}}}},
        {"signed": {**SIGNED, "signatures": {"a": {"ed25519:a": "A" * 86}}}},
    ],
)
def test_hostile_third_party_invites_are_rejected(invite):
    made = third_party_room()
    assert not made.may_set(BOB, CHARLIE, "invite", third_party_invite=invite)
