"""Who may do what to whom, membership by membership, in every version, as tables.

The tables are the rules for m.room.member turned around: not how one decides, but what comes out.
They are read by nothing but this test, which knows no rules.
"""

from dataclasses import dataclass

import pytest

from impl.core.auth import rules
from impl.core.event import Event
from impl.core.rejection import Rejected
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALICE, ALL_VERSIONS, BOB, CHARLIE, since

MEMBERSHIPS = ("none", "invite", "join", "leave", "ban", "knock")

# Of oneself: under which join rules one comes from what one is to what one wants to be. `always`
# does not ask for the rule; what is not listed is never allowed.
INVITED = "public invite knock restricted knock_restricted"
OWN = {
    ("none", "join"): "public",
    ("none", "knock"): "knock knock_restricted",
    ("invite", "join"): INVITED,
    ("invite", "leave"): "always",
    ("join", "join"): INVITED,
    ("join", "leave"): "always",
    ("leave", "join"): "public",
    ("leave", "knock"): "knock knock_restricted",
    ("knock", "join"): "public",
    ("knock", "leave"): "always since 7",
    ("knock", "knock"): "knock knock_restricted",
}
# The version since which a join rule, or a membership, is known.
SINCE = {"knock": "7", "restricted": "8", "knock_restricted": "10"}
JOIN_RULES = (None, "public", "invite", "knock", "restricted", "knock_restricted", "private")

# Of another, by somebody in the room: which levels it takes to make of what they are what the
# sender wants them to be. `+` is more power than the target has, beside that level.
OTHER = {
    ("none", "invite"): "invite",
    ("none", "leave"): "kick+",
    ("none", "ban"): "ban+",
    ("invite", "invite"): "invite",
    ("invite", "leave"): "kick+",
    ("invite", "ban"): "ban+",
    ("join", "leave"): "kick+",
    ("join", "ban"): "ban+",
    ("leave", "invite"): "invite",
    ("leave", "leave"): "kick+",
    ("leave", "ban"): "ban+",
    ("ban", "leave"): "kick+ ban",
    ("ban", "ban"): "ban+",
    ("knock", "invite"): "invite",
    ("knock", "leave"): "kick+",
    ("knock", "ban"): "ban+",
}
NEEDED = {"invite": 20, "kick": 40, "ban": 60}
LEVELS = (10, 20, 40, 59, 60, 100)


@dataclass
class Stage:
    """A room where everything is as the test says, however it came about."""

    version: str

    def event(self, event_type: str, sender: str, content: dict[str, object], state_key: str = ""):
        version = ROOM_VERSIONS[self.version]
        room_id = "!create" if version.room_id_is_create_hash else "!room:one.example"
        pdu = {
            "type": event_type,
            "sender": sender,
            "content": content,
            "state_key": state_key,
            "prev_events": ["$last"] if version.event_id_is_hash else [["$last", {}]],
        }
        if not (version.room_id_is_create_hash and event_type == "m.room.create"):
            pdu["room_id"] = room_id
        event_id = "$create" if event_type == "m.room.create" else "$event"
        return Event(pdu, version, event_id)

    def member(self, user_id: str, membership: str) -> dict[tuple[str, str], Event]:
        if membership == "none":
            return {}
        event = self.event("m.room.member", user_id, {"membership": membership}, user_id)
        return {event.key: event}

    def state(
        self, join_rule: str | None, levels: dict[str, int], **memberships: str
    ) -> dict[tuple[str, str], Event]:
        create = self.event("m.room.create", ALICE, {"creator": ALICE})
        content = {"users": levels, **NEEDED}
        state = {create.key: create}
        for event in (
            self.event("m.room.power_levels", ALICE, content),
            self.event("m.room.join_rules", ALICE, {"join_rule": join_rule}),
        ):
            if event.content.get("join_rule", "") is not None:
                state[event.key] = event
        for user_id, membership in ((BOB, memberships["bob"]), (CHARLIE, memberships["charlie"])):
            state |= self.member(user_id, membership)
        return state

    def may(self, state: dict[tuple[str, str], Event], sender: str, target: str, wish: str) -> bool:
        event = self.event("m.room.member", sender, {"membership": wish}, target)
        try:
            rules.check_state_dependent(event, state)
        except Rejected:
            return False
        return True


def is_known(name: str | None, version: str) -> bool:
    return version in since(SINCE.get(name or "", "1"))


def own_is_allowed(before: str, wish: str, join_rule: str | None, version: str) -> bool:
    allowed = OWN.get((before, wish), "").split()
    if "always" in allowed:
        return "since" not in allowed or version in since(allowed[-1])
    # Where there is no rule, it is `invite`.
    rule = join_rule or "invite"
    return is_known(wish, version) and is_known(rule, version) and rule in allowed


def other_is_allowed(before: str, wish: str, sender: int, target: int) -> bool:
    needed = OTHER.get((before, wish))
    if needed is None:
        return False
    return all(
        sender >= NEEDED[name.rstrip("+")] and (sender > target or not name.endswith("+"))
        for name in needed.split()
    )


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("join_rule", JOIN_RULES)
def test_what_one_may_make_of_oneself(join_rule, version):
    stage = Stage(version)
    for before in MEMBERSHIPS:
        # Power does not help.
        for level in (0, 100):
            state = stage.state(join_rule, {CHARLIE: level}, bob="join", charlie=before)
            for wish in MEMBERSHIPS[1:]:
                expected = own_is_allowed(before, wish, join_rule, version)
                assert stage.may(state, CHARLIE, CHARLIE, wish) is expected, (before, wish, level)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("sender", LEVELS)
@pytest.mark.parametrize("target", LEVELS)
def test_what_somebody_in_the_room_may_make_of_another(target, sender, version):
    stage = Stage(version)
    for before in MEMBERSHIPS:
        state = stage.state("public", {BOB: sender, CHARLIE: target}, bob="join", charlie=before)
        for wish in MEMBERSHIPS[1:]:
            expected = other_is_allowed(before, wish, sender, target)
            assert stage.may(state, BOB, CHARLIE, wish) is expected, (before, wish)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("bob", [one for one in MEMBERSHIPS if one != "join"])
@pytest.mark.parametrize("join_rule", JOIN_RULES)
def test_who_is_not_in_the_room_makes_nothing_of_another(join_rule, bob, version):
    stage = Stage(version)
    for before in MEMBERSHIPS:
        state = stage.state(join_rule, {BOB: 100}, bob=bob, charlie=before)
        for wish in MEMBERSHIPS[1:]:
            assert not stage.may(state, BOB, CHARLIE, wish), (before, wish)


@pytest.mark.parametrize("version", since("12"))
@pytest.mark.parametrize("before", MEMBERSHIPS)
def test_nobody_has_power_over_a_creator_since_version_12(before, version):
    stage = Stage(version)
    state = stage.state("public", {BOB: 2**53 - 1}, bob="join", charlie="join")
    state |= stage.member(ALICE, before)
    for wish in ("leave", "ban"):
        assert not stage.may(state, BOB, ALICE, wish)
