"""S-S API, "Auth events selection"."""

import pytest

from impl.core.auth.selection import auth_types
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALICE, ALL_VERSIONS, BOB, CHARLIE, since

CREATE = ("m.room.create", "")
LEVELS = ("m.room.power_levels", "")
RULES = ("m.room.join_rules", "")


def member(user_id: str) -> tuple[str, str]:
    return "m.room.member", user_id


def selected(version: str, *of: object) -> list[tuple[str, str]]:
    keys = auth_types(ROOM_VERSIONS[version], *of)
    assert len(keys) == len(set(keys))
    return sorted(keys)


def usual(version: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    create = [] if version == "12" else [CREATE]
    return sorted({*create, LEVELS, member(ALICE), *more})


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_create_event_cites_nothing(version):
    assert selected(version, "m.room.create", ALICE, "", {}) == []


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("event", [("m.room.message", None), ("m.room.topic", ""), ("x", ALICE)])
def test_most_events_cite_levels_and_their_sender(event, version):
    event_type, state_key = event
    assert selected(version, event_type, ALICE, state_key, {"membership": "join"}) == usual(version)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("membership", ["join", "invite", "leave", "ban", "knock", None, [], "x"])
def test_a_membership_cites_its_target_and_perhaps_the_join_rule(membership, version):
    rules = ["join", "invite"] + (["knock"] if version in since("7") else [])
    more = [RULES] if membership in rules else []
    content = {"membership": membership}
    keys = selected(version, "m.room.member", ALICE, BOB, content)
    assert keys == usual(version, member(BOB), *more)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_restricted_join_cites_who_authorised_it(version):
    content = {"membership": "join", "join_authorised_via_users_server": CHARLIE}
    more = [member(CHARLIE)] if version in since("8") else []
    keys = selected(version, "m.room.member", ALICE, ALICE, content)
    assert keys == usual(version, RULES, *more)
    content["membership"] = "leave"
    assert selected(version, "m.room.member", ALICE, ALICE, content) == usual(version)


def test_a_third_party_invite_cites_its_token():
    content = {"membership": "invite", "third_party_invite": {"signed": {"token": "t"}}}
    keys = selected("12", "m.room.member", ALICE, BOB, content)
    assert keys == usual("12", member(BOB), RULES, ("m.room.third_party_invite", "t"))


@pytest.mark.parametrize(
    "content",
    [
        {"membership": "invite", "third_party_invite": None},
        {"membership": "invite", "third_party_invite": {"signed": []}},
        {"membership": "invite", "third_party_invite": {"signed": {"token": 1}}},
        {"membership": "join", "join_authorised_via_users_server": []},
    ],
)
def test_what_cannot_be_read_is_not_cited(content):
    assert selected("12", "m.room.member", ALICE, BOB, content) == usual("12", member(BOB), RULES)
