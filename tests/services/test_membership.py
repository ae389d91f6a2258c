"""Coming into rooms and going out of them; what the rules let pass and the endpoints do not."""

from dataclasses import replace
from pathlib import Path

import pytest

from impl import errors
from impl.app import App
from impl.config import RateLimit
from impl.core.event_builder import Draft
from impl.services import membership, room_reading
from impl.services.restricted_joins import AUTHORISED_VIA
from impl.storage import account_data, accounts, profiles
from tests import builders
from tests.builders import ALICE, BOB, CHARLIE, SERVER_NAME, a_requester

alice, bob, charlie = a_requester(ALICE), a_requester(BOB), a_requester(CHARLIE)
UNKNOWN = "!" + "x" * 43


def member(app: App, room_id: str, user_id: str) -> dict:
    """The content of a user's membership event."""
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        key = ("m.room.member", user_id)
        return room_reading.current(app, txn, room, (key,))[key].content


def timeline_length(app: App, room_id: str) -> int:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        txn.execute("SELECT count(*) FROM timeline WHERE room_nid = %s", (room.room_nid,))
        return txn.fetchone()[0]


def account(app: App, user_id: str, *, is_guest: bool) -> str:
    with app.database.transaction() as txn:
        made = accounts.Account(user_id, None, False, is_guest, False, None)
        accounts.insert(txn, made, 0)
    return user_id


def guest(app: App) -> str:
    return account(app, f"@guest:{SERVER_NAME}", is_guest=True)


def test_joining_repeats_the_profile(app: App) -> None:
    room_id = builders.a_room(app)
    with app.database.transaction() as txn:
        profiles.put(txn, BOB, "displayname", "Bob")
        profiles.put(txn, BOB, "avatar_url", "mxc://a/b")
        profiles.put(txn, BOB, "m.tz", "Europe/Berlin")
    assert membership.join(app, bob, room_id, "hello") == room_id
    assert member(app, room_id, BOB) == {
        "membership": "join",
        "displayname": "Bob",
        "avatar_url": "mxc://a/b",
        "reason": "hello",
    }


def test_joining_twice_changes_nothing(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    before = timeline_length(app, room_id)
    membership.join(app, bob, room_id, "again")
    assert timeline_length(app, room_id) == before


def test_an_unknown_room_cannot_be_joined(app: App) -> None:
    with pytest.raises(errors.NotFound):
        membership.join(app, bob, UNKNOWN)
    with pytest.raises(errors.NotFound):
        membership.join(app, bob, f"#nowhere:{SERVER_NAME}")


@pytest.mark.parametrize("room", ["", "room", "!", "!a\0b:c", "#a", "@a:b", "#:b"])
def test_what_is_neither_a_room_nor_an_alias_is_refused(app: App, room: str) -> None:
    with pytest.raises(errors.InvalidParam):
        membership.join(app, bob, room)


def test_an_invite_only_room_wants_an_invite(app: App) -> None:
    room_id = builders.a_room(app, join_rule="invite")
    with pytest.raises(errors.Forbidden):
        membership.join(app, bob, room_id)
    membership.invite(app, alice, room_id, BOB, "come in")
    assert member(app, room_id, BOB) == {"membership": "invite", "reason": "come in"}
    membership.join(app, bob, room_id)
    assert member(app, room_id, BOB)["membership"] == "join"


def test_only_members_invite(app: App) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.Forbidden):
        membership.invite(app, bob, room_id, CHARLIE)
    with pytest.raises(errors.Forbidden):
        membership.invite(app, bob, UNKNOWN, CHARLIE)


def test_members_and_the_banned_are_not_invited(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    with pytest.raises(errors.Forbidden):
        membership.invite(app, alice, room_id, BOB)
    membership.ban(app, alice, room_id, BOB)
    with pytest.raises(errors.Forbidden):
        membership.invite(app, alice, room_id, BOB)


def test_an_invite_that_is_there_already_is_no_error(app: App) -> None:
    room_id = builders.a_room(app)
    membership.invite(app, alice, room_id, BOB)
    before = timeline_length(app, room_id)
    membership.invite(app, alice, room_id, BOB)
    assert timeline_length(app, room_id) == before


def test_who_blocks_invites_is_not_invited(app: App) -> None:
    room_id = builders.a_room(app)
    config = "m.invite_permission_config"
    with app.database.transaction() as txn:
        account_data.put(txn, BOB, "", config, {"default_action": "block"})
    with pytest.raises(errors.InviteBlocked):
        membership.invite(app, alice, room_id, BOB)
    with pytest.raises(errors.InviteBlocked):
        membership.put_content(app, alice, room_id, BOB, {"membership": "invite"})
    with app.database.transaction() as txn:
        account_data.put(txn, BOB, "", config, {})
    membership.invite(app, alice, room_id, BOB)


def test_strangers_do_not_hear_who_blocks_invites_nor_use_up_what_the_room_may(new_app) -> None:
    limits = replace(builders.a_config(Path()).rate_limits, rc_invites_per_room=RateLimit(0.001, 1))
    app = new_app(rate_limits=limits)
    room_id = builders.a_room(app)
    with app.database.transaction() as txn:
        blocks = {"default_action": "block"}
        account_data.put(txn, CHARLIE, "", "m.invite_permission_config", blocks)
    for target in (CHARLIE, f"@dora:{SERVER_NAME}", f"@emil:{SERVER_NAME}"):
        for place in (room_id, UNKNOWN):
            with pytest.raises(errors.Forbidden):
                membership.put_content(app, bob, place, target, {"membership": "invite"})
    membership.put_content(app, alice, room_id, BOB, {"membership": "invite"})


def test_leaving_rejects_an_invite_and_retracts_a_knock(app: App) -> None:
    room_id = builders.a_room(app, join_rule="knock")
    membership.invite(app, alice, room_id, BOB)
    membership.leave(app, bob, room_id, "no")
    assert member(app, room_id, BOB) == {"membership": "leave", "reason": "no"}
    membership.knock(app, bob, room_id)
    membership.leave(app, bob, room_id)
    assert member(app, room_id, BOB) == {"membership": "leave"}


def test_leaving_twice_changes_nothing(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    membership.leave(app, bob, room_id)
    before = timeline_length(app, room_id)
    membership.leave(app, bob, room_id)
    assert timeline_length(app, room_id) == before


def test_who_never_was_in_a_room_cannot_leave_it(app: App) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.Forbidden):
        membership.leave(app, bob, room_id)
    with pytest.raises(errors.NotFound):
        membership.leave(app, bob, UNKNOWN)


def test_a_room_is_forgotten_once_it_is_left(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    with pytest.raises(errors.Unknown):
        membership.forget(app, bob, room_id)
    membership.leave(app, bob, room_id)
    membership.forget(app, bob, room_id)
    membership.forget(app, bob, room_id)
    with pytest.raises(errors.NotFound):
        membership.forget(app, charlie, room_id)
    with pytest.raises(errors.NotFound):
        membership.forget(app, bob, UNKNOWN)


def test_kicking_makes_a_member_leave(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    membership.kick(app, alice, room_id, BOB, "rude")
    assert member(app, room_id, BOB) == {"membership": "leave", "reason": "rude"}


def test_kicking_revokes_an_invite_and_denies_a_knock(app: App) -> None:
    room_id = builders.a_room(app, join_rule="knock")
    membership.invite(app, alice, room_id, BOB)
    membership.kick(app, alice, room_id, BOB)
    membership.knock(app, charlie, room_id)
    membership.kick(app, alice, room_id, CHARLIE)
    assert member(app, room_id, BOB) == member(app, room_id, CHARLIE) == {"membership": "leave"}


def test_who_is_not_there_cannot_be_kicked(app: App) -> None:
    room_id = builders.a_room(app)
    for user_id in (BOB, CHARLIE):
        with pytest.raises(errors.Forbidden):
            membership.kick(app, alice, room_id, user_id)
    membership.ban(app, alice, room_id, BOB)
    with pytest.raises(errors.Forbidden):
        membership.kick(app, alice, room_id, BOB)
    assert member(app, room_id, BOB)["membership"] == "ban"


@pytest.mark.parametrize("act", [membership.kick, membership.ban, membership.unban])
def test_moderation_takes_membership_power_and_a_user_id(app: App, act) -> None:
    room_id = builders.a_room(app)
    for who in (bob, charlie):
        membership.join(app, who, room_id)
    if act is membership.unban:
        membership.ban(app, alice, room_id, CHARLIE)
    with pytest.raises(errors.Forbidden):
        act(app, bob, room_id, CHARLIE)
    with pytest.raises(errors.Forbidden):
        act(app, a_requester(f"@stranger:{SERVER_NAME}"), room_id, CHARLIE)
    with pytest.raises(errors.Forbidden):
        act(app, alice, UNKNOWN, CHARLIE)
    with pytest.raises(errors.InvalidParam):
        act(app, alice, room_id, "charlie")


def test_a_ban_keeps_out_until_it_is_lifted(app: App) -> None:
    room_id = builders.a_room(app)
    membership.ban(app, alice, room_id, BOB, "spam")
    assert member(app, room_id, BOB) == {"membership": "ban", "reason": "spam"}
    with pytest.raises(errors.Forbidden):
        membership.join(app, bob, room_id)
    membership.unban(app, alice, room_id, BOB, "sorry")
    assert member(app, room_id, BOB) == {"membership": "leave", "reason": "sorry"}
    membership.join(app, bob, room_id)


def test_only_the_banned_are_unbanned(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    with pytest.raises(errors.BadState):
        membership.unban(app, alice, room_id, BOB)
    assert member(app, room_id, BOB)["membership"] == "join"


def test_knocking_needs_the_join_rule(app: App) -> None:
    closed, open_ = builders.a_room(app, join_rule="invite"), builders.a_room(app)
    for room_id in (closed, open_):
        with pytest.raises(errors.Forbidden):
            membership.knock(app, bob, room_id)
    with pytest.raises(errors.NotFound):
        membership.knock(app, bob, UNKNOWN)


def test_a_knock_is_answered_with_an_invite(app: App) -> None:
    room_id = builders.a_room(app, join_rule="knock")
    assert membership.knock(app, bob, room_id, "please") == room_id
    assert member(app, room_id, BOB) == {"membership": "knock", "reason": "please"}
    membership.invite(app, alice, room_id, BOB)
    with pytest.raises(errors.Forbidden):
        membership.knock(app, bob, room_id)
    membership.join(app, bob, room_id)
    with pytest.raises(errors.Forbidden):
        membership.knock(app, bob, room_id)


def test_joined_rooms_are_those_and_no_others(app: App) -> None:
    first, second = builders.a_room(app), builders.a_room(app, creator=BOB)
    membership.invite(app, bob, second, ALICE)
    app.news.catch_up()
    assert membership.joined_rooms(app, alice) == [first]
    membership.join(app, alice, second)
    app.news.catch_up()
    assert set(membership.joined_rooms(app, alice)) == {first, second}
    membership.leave(app, alice, first)
    app.news.catch_up()
    assert membership.joined_rooms(app, alice) == [second]


def test_a_changed_profile_is_told_to_the_rooms(app: App) -> None:
    room_id, left = builders.a_room(app), builders.a_room(app)
    for one in (room_id, left):
        membership.join(app, bob, one)
    membership.leave(app, bob, left)
    with app.database.transaction() as txn:
        profiles.put(txn, BOB, "displayname", "Robert")
    membership.repeat_profile(app, BOB)
    assert member(app, room_id, BOB) == {"membership": "join", "displayname": "Robert"}
    assert member(app, left, BOB)["membership"] == "leave"


def test_guests_join_where_guests_are_wanted(app: App) -> None:
    who = a_requester(guest(app), is_guest=True)
    room_id = builders.a_room(app)
    with pytest.raises(errors.GuestAccessForbidden):
        membership.join(app, who, room_id)
    with pytest.raises(errors.GuestAccessForbidden):
        membership.put_content(app, who, room_id, who.user_id, {"membership": "join"})
    access = Draft("m.room.guest_access", ALICE, {"guest_access": "can_join"}, "")
    builders.append(app, room_id, access)
    membership.join(app, who, room_id)
    assert member(app, room_id, who.user_id)["membership"] == "join"


def test_guests_leave_a_room_that_wants_none_any_more(app: App) -> None:
    who = a_requester(guest(app), is_guest=True)
    account(app, BOB, is_guest=False)
    access = Draft("m.room.guest_access", ALICE, {"guest_access": "can_join"}, "")
    room_id = builders.a_room(app, first=[access])
    for one in (who, bob):
        membership.join(app, one, room_id)
    membership.remove_guests(app, room_id)
    assert member(app, room_id, who.user_id)["membership"] == "join"
    access = Draft("m.room.guest_access", ALICE, {"guest_access": "forbidden"}, "")
    builders.append(app, room_id, access)
    membership.remove_guests(app, room_id)
    assert member(app, room_id, who.user_id)["membership"] == "leave"
    assert member(app, room_id, BOB)["membership"] == "join"


def test_a_membership_is_set_as_state_with_the_profile_for_what_is_not_said(app: App) -> None:
    with app.database.transaction() as txn:
        profiles.put(txn, BOB, "displayname", "Bob")
        profiles.put(txn, BOB, "avatar_url", "mxc://a/b")
    room_id = builders.a_room(app)
    said = {"membership": "join", "displayname": "Bobby", AUTHORISED_VIA: ALICE}
    membership.put_content(app, bob, room_id, BOB, said)
    assert member(app, room_id, BOB) == {
        "membership": "join",
        "displayname": "Bobby",
        "avatar_url": "mxc://a/b",
    }


def test_nobody_waits_until_the_last_of_many_guests_has_left(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "GUESTS_TIMEOUT_S", 0)
    who = a_requester(guest(app), is_guest=True)
    access = Draft("m.room.guest_access", ALICE, {"guest_access": "can_join"}, "")
    room_id = builders.a_room(app, first=[access])
    membership.join(app, who, room_id)
    access = Draft("m.room.guest_access", ALICE, {"guest_access": "forbidden"}, "")
    builders.append(app, room_id, access)
    membership.remove_guests(app, room_id)
    app.background.join(timeout=30)
    assert member(app, room_id, who.user_id)["membership"] == "leave"


@pytest.mark.parametrize("content", [{}, {"membership": 5}, {"membership": "visit"}])
def test_a_membership_that_is_none_is_refused(app: App, content: dict) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.Forbidden):
        membership.put_content(app, alice, room_id, ALICE, content)


def test_nobody_joins_for_another(app: App) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.Forbidden):
        membership.put_content(app, alice, room_id, BOB, {"membership": "join"})
