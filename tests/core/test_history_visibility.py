"""Who may see an event: the table of the specification, and the events that change the table."""

import itertools

import pytest

from impl.core.history_visibility import may_see, read

VISIBILITIES = ["world_readable", "shared", "invited", "joined"]
MEMBERSHIPS = ["join", "invite", "knock", "leave", "ban"]


def sees(visibility: str | None, membership: str, *, later: bool) -> bool:
    standing = (visibility, membership)
    return may_see(standing, standing, has_joined_since=later)


@pytest.mark.parametrize("membership", MEMBERSHIPS)
@pytest.mark.parametrize("later", [False, True])
def test_world_readable_is_for_everybody(membership, later):
    assert sees("world_readable", membership, later=later)


@pytest.mark.parametrize("visibility", [*VISIBILITIES, None, "nonsense"])
def test_a_member_sees_what_is_sent(visibility):
    assert sees(visibility, "join", later=False)


@pytest.mark.parametrize("membership", MEMBERSHIPS[1:])
def test_shared_history_is_for_those_who_join_later(membership):
    assert sees("shared", membership, later=True)
    assert not sees("shared", membership, later=False)


@pytest.mark.parametrize("later", [False, True])
def test_invited_history_begins_with_the_invitation(later):
    assert sees("invited", "invite", later=later)
    for membership in ("leave", "ban", "knock"):
        assert not sees("invited", membership, later=later)


@pytest.mark.parametrize("later", [False, True])
def test_joined_history_begins_with_the_join(later):
    for membership in MEMBERSHIPS[1:]:
        assert not sees("joined", membership, later=later)


@pytest.mark.parametrize("visibility", [None, "", "nonsense", 5, ["joined"], {"a": 1}])
def test_what_is_not_understood_is_shared(visibility):
    assert read(visibility) == "shared"


@pytest.mark.parametrize(
    ("old", "new"), [("world_readable", "joined"), ("joined", "world_readable")]
)
def test_a_stranger_sees_the_door_open_and_close(old, new):
    assert may_see((old, "leave"), (new, "leave"), has_joined_since=False)


@pytest.mark.parametrize("membership", ["leave", "ban", "invite", "knock"])
def test_everybody_sees_their_own_join_and_its_end(membership):
    assert may_see(("joined", membership), ("joined", "join"), has_joined_since=False)
    assert may_see(("joined", "join"), ("joined", membership), has_joined_since=False)


def test_an_invitation_is_seen_where_the_invited_see_the_room():
    assert may_see(("invited", "leave"), ("invited", "invite"), has_joined_since=False)
    assert not may_see(("joined", "leave"), ("joined", "invite"), has_joined_since=False)


def test_a_change_hides_nothing_that_one_side_shows():
    sides = list(itertools.product(VISIBILITIES, MEMBERSHIPS))
    for before, after in itertools.product(sides, sides):
        # No event changes both.
        if before[0] != after[0] and before[1] != after[1]:
            continue
        for later in (False, True):
            either = sees(*before, later=later) or sees(*after, later=later)
            assert may_see(before, after, has_joined_since=later) is either
