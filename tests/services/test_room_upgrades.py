"""Replacing a room: what is carried over, what the old room says, and who may."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config import RateLimit
from impl.core import canonical_json
from impl.core.event_builder import Draft
from impl.services import aliases, membership, room_directory, room_state, room_upgrades, rooms
from impl.services.initial_events import InitialState, RoomOptions
from impl.services.room_events import batching, create
from impl.services.room_events.submission import Submission
from tests import builders
from tests.builders import ALICE, BOB, CHARLIE, SERVER_NAME, a_requester

alice, bob = a_requester(ALICE), a_requester(BOB)

STATE = {
    "m.room.join_rules": {"join_rule": "knock"},
    "m.room.history_visibility": {"history_visibility": "invited"},
    "m.room.guest_access": {"guest_access": "forbidden"},
    "m.room.server_acl": {"allow": ["*"]},
    "m.room.encryption": {"algorithm": "m.megolm.v1.aes-sha2"},
    "m.room.name": {"name": "Pub"},
    "m.room.avatar": {"url": "mxc://a/b"},
    "m.room.topic": {"topic": "beer"},
}

# Bob may close the room, and not ban.
LEVELS_OF_BOB = {
    "users": {BOB: 50},
    "events": {"m.room.tombstone": 50},
    "ban": 60,
}


def a_rich_room(app: App, **options: object) -> str:
    state = [InitialState(event_type, "", content) for event_type, content in STATE.items()]
    state.append(InitialState("org.example", "", {"x": 1}))
    made = RoomOptions(initial_state=state, **options)  # type: ignore[arg-type]
    return rooms.create(app, alice, made)


def content(app: App, room_id: str, event_type: str, state_key: str = "") -> dict:
    return room_state.get_content(app, alice, room_id, event_type, state_key)


def test_a_room_that_is_replaced_twice_at_once_is_replaced_once(
    new_app: Callable[..., App],
) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room_id = a_rich_room(one, room_alias_name="pub")
    asked = [
        gevent.spawn(room_upgrades.upgrade, app, alice, room_id, "12")
        for app in (one, other, one, other)
    ]
    (new_room_id,) = {greenlet.get(timeout=30) for greenlet in asked}
    assert content(one, room_id, "m.room.tombstone")["replacement_room"] == new_room_id
    assert aliases.resolve(one, f"#pub:{SERVER_NAME}")[0] == new_room_id
    assert sorted(membership.joined_rooms(one, alice)) == sorted([room_id, new_room_id])
    # Later it may be done again.
    assert room_upgrades.upgrade(one, alice, room_id, "12") != new_room_id


@pytest.mark.parametrize("old", ["9", "11", "12"])
@pytest.mark.parametrize("new", ["10", "11", "12"])
def test_the_new_room_is_like_the_old_one(app: App, old: str, new: str) -> None:
    room_id = a_rich_room(
        app, room_version=old, creation_content={"type": "m.space", "m.federate": False}
    )
    new_room_id = room_upgrades.upgrade(app, alice, room_id, new)
    for event_type, expected in STATE.items():
        assert content(app, new_room_id, event_type) == expected
    created = content(app, new_room_id, "m.room.create")
    assert created["room_version"] == new
    assert (created["type"], created["m.federate"]) == ("m.space", False)
    assert created["predecessor"]["room_id"] == room_id
    assert created["predecessor"]["event_id"].startswith("$")
    with pytest.raises(errors.NotFound):
        content(app, new_room_id, "org.example")
    membership.invite(app, alice, new_room_id, BOB)


def test_the_old_room_has_a_tombstone_and_falls_silent(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "12")
    tombstone = content(app, room_id, "m.room.tombstone")
    assert tombstone["replacement_room"] == new_room_id
    assert isinstance(tombstone["body"], str)
    levels = content(app, room_id, "m.room.power_levels")
    assert (levels["events_default"], levels["invite"]) == (50, 50)
    with pytest.raises(errors.Forbidden):
        builders.append(app, room_id, builders.message(BOB, "hello?"))


def test_silence_is_above_what_everybody_has(app: App) -> None:
    room_id = builders.a_room(app)
    levels = Draft("m.room.power_levels", ALICE, {"users_default": 60}, "")
    builders.append(app, room_id, levels)
    room_upgrades.upgrade(app, alice, room_id, "12")
    levels = content(app, room_id, "m.room.power_levels")
    assert (levels["events_default"], levels["invite"]) == (61, 61)


def test_what_took_more_power_than_silence_goes_on_to_take_it(app: App) -> None:
    room_id = builders.a_room(app)
    levels = {"events_default": 70, "invite": 100}
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, levels, ""))
    room_upgrades.upgrade(app, alice, room_id, "12")
    levels = content(app, room_id, "m.room.power_levels")
    assert (levels["events_default"], levels["invite"]) == (70, 100)


def test_a_default_that_cannot_be_outdone_keeps_no_room_open(app: App) -> None:
    room_id = builders.a_room(app)
    highest = {"users_default": canonical_json.INTEGER_MAX}
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, highest, ""))
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "12")
    assert content(app, room_id, "m.room.tombstone")["replacement_room"] == new_room_id


@pytest.mark.parametrize("new", ["11", "12"])
def test_a_room_without_levels_leads_to_one_that_is_not_locked(app: App, new: str) -> None:
    first = Draft("m.room.create", ALICE, {"room_version": "11"}, "")
    made = create.create_event(app, first, "11")
    joined = builders.member(ALICE, "join")
    batching.submit(app, Submission(made.room_id, [joined], create_event=made))
    new_room_id = room_upgrades.upgrade(app, alice, made.room_id, new)
    assert content(app, new_room_id, "m.room.power_levels")["state_default"] == 0
    room_upgrades.upgrade(app, alice, new_room_id, new)
    # Nor is the old one, for who made it.
    room_state.put(app, alice, made.room_id, "m.room.topic", "", {"topic": "gone"})


def test_members_are_not_carried_over(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "12")
    with pytest.raises(errors.NotFound):
        content(app, new_room_id, "m.room.member", BOB)


def test_aliases_and_the_place_in_the_directory_move(app: App) -> None:
    room_id = rooms.create(
        app, alice, RoomOptions(visibility="public", room_alias_name="pub", preset="public_chat")
    )
    pub, gone = f"#pub:{SERVER_NAME}", f"#gone:{SERVER_NAME}"
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "12")
    assert aliases.resolve(app, pub)[0] == new_room_id
    assert content(app, new_room_id, "m.room.canonical_alias") == {"alias": pub}
    assert room_directory.get_visibility(app, new_room_id) == "public"
    assert room_directory.get_visibility(app, room_id) == "private"
    with pytest.raises(errors.NotFound):
        aliases.resolve(app, gone)


def test_power_levels_are_carried_over(app: App) -> None:
    room_id = builders.a_room(app, room_version="11")
    levels = {"users": {ALICE: 100, BOB: 50}, "events": {"m.room.name": 30}, "ban": 60}
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, levels, ""))
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "11")
    new = content(app, new_room_id, "m.room.power_levels")
    assert (new["users"], new["events"], new["ban"]) == (levels["users"], levels["events"], 60)


def test_creators_of_version_12_stand_above_the_levels(app: App) -> None:
    room_id = builders.a_room(app, room_version="11")
    levels = {"users": {ALICE: 100, BOB: 90, CHARLIE: 50}}
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, levels, ""))
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "12", [BOB, ALICE, BOB])
    assert content(app, new_room_id, "m.room.create")["additional_creators"] == [BOB]
    new = content(app, new_room_id, "m.room.power_levels")
    assert new["users"] == {CHARLIE: 50}
    assert new["events"]["m.room.tombstone"] == 150


def test_additional_creators_are_not_carried_over_and_nothing_before_version_12(app: App) -> None:
    options = RoomOptions(creation_content={"additional_creators": [BOB]})
    room_id = rooms.create(app, alice, options)
    assert "additional_creators" not in content(
        app, room_upgrades.upgrade(app, alice, room_id, "12"), "m.room.create"
    )
    room_id = rooms.create(app, alice, options)
    older = room_upgrades.upgrade(app, alice, room_id, "11", ["not a user id"])
    assert "additional_creators" not in content(app, older, "m.room.create")
    # Who stood above the levels stands at their top, and can close this room as well.
    levels = content(app, older, "m.room.power_levels")
    assert levels["users"] == {ALICE: 150, BOB: 150}
    assert levels["events"]["m.room.tombstone"] == 150
    room_upgrades.upgrade(app, alice, older, "11")


def test_who_may_close_the_room_but_little_else_can_upgrade_it(app: App) -> None:
    room_id = builders.a_room(app, room_version="11")
    levels = {
        "users": {ALICE: 100, BOB: 20},
        "events": {"m.room.tombstone": 20, "m.room.name": 100},
        "state_default": 90,
    }
    name = Draft("m.room.name", ALICE, {"name": "Pub"}, "")
    builders.append(app, room_id, name, Draft("m.room.power_levels", ALICE, levels, ""))
    membership.join(app, bob, room_id)
    new_room_id = room_upgrades.upgrade(app, bob, room_id, "11")
    new = room_state.get_content(app, bob, new_room_id, "m.room.power_levels", "")
    assert new["users"] == {ALICE: 100, BOB: 20}
    assert room_state.get_content(app, bob, new_room_id, "m.room.name", "") == {"name": "Pub"}
    assert content(app, room_id, "m.room.tombstone")["replacement_room"] == new_room_id
    # They may not touch the old room's levels.
    assert "events_default" not in content(app, room_id, "m.room.power_levels")


def test_levels_that_were_strings_become_numbers(app: App) -> None:
    room_id = builders.a_room(app, room_version="9")
    levels = {"users": {ALICE: "100"}, "ban": "60"}
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, levels, ""))
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "10")
    new = content(app, new_room_id, "m.room.power_levels")
    assert (new["users"], new["ban"]) == ({ALICE: 100}, 60)


def test_children_of_a_space_move_with_it(app: App) -> None:
    room_id = builders.a_room(app)
    child = Draft("m.space.child", ALICE, {"via": [SERVER_NAME]}, "!child:x")
    gone = Draft("m.space.child", ALICE, {}, "!gone:x")
    builders.append(app, room_id, child, gone)
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "12")
    assert content(app, new_room_id, "m.space.child", "!child:x") == {"via": [SERVER_NAME]}
    with pytest.raises(errors.NotFound):
        content(app, new_room_id, "m.space.child", "!gone:x")


def test_a_room_that_names_no_level_at_all_has_one_for_its_creator_after(app: App) -> None:
    room_id = builders.a_room(app)
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, {}, ""))
    new_room_id = room_upgrades.upgrade(app, alice, room_id, "11")
    assert content(app, new_room_id, "m.room.power_levels")["users"] == {ALICE: 100}


@pytest.mark.parametrize("new", ["11", "12"])
def test_who_was_banned_is_banned_from_the_new_room(app: App, new: str) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    membership.ban(app, alice, room_id, CHARLIE, "spoons")
    strangers = [f"@thief{number}:{SERVER_NAME}" for number in range(150)]
    for stranger in strangers:
        membership.ban(app, alice, room_id, stranger)
    new_room_id = room_upgrades.upgrade(app, alice, room_id, new)
    banned = content(app, new_room_id, "m.room.member", CHARLIE)
    assert banned == {"membership": "ban", "reason": "spoons"}
    for stranger in strangers:
        assert content(app, new_room_id, "m.room.member", stranger) == {"membership": "ban"}
    with pytest.raises(errors.NotFound):
        content(app, new_room_id, "m.room.member", BOB)


def test_whom_the_new_room_does_not_let_ban_upgrades_without_the_bans(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    membership.ban(app, alice, room_id, CHARLIE)
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, LEVELS_OF_BOB, ""))
    new_room_id = room_upgrades.upgrade(app, bob, room_id, "11")
    with pytest.raises(errors.NotFound):
        room_state.get_content(app, bob, new_room_id, "m.room.member", CHARLIE)


def test_upgrading_takes_the_power_to_close_the_room(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    for who, place in ((bob, room_id), (a_requester(CHARLIE), room_id), (bob, "!" + "x" * 43)):
        with pytest.raises(errors.Forbidden):
            room_upgrades.upgrade(app, who, place, "12")
    with pytest.raises(errors.NotFound):
        content(app, room_id, "m.room.tombstone")


def test_what_cannot_be_upgraded_to(app: App) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.UnsupportedRoomVersion):
        room_upgrades.upgrade(app, alice, room_id, "13")
    with pytest.raises(errors.BadJson):
        room_upgrades.upgrade(app, alice, room_id, "12", ["bob"])


def test_an_upgrade_counts_as_a_room_that_is_made(new_app) -> None:
    limits = replace(builders.a_config(Path()).rate_limits, rc_room_creation=RateLimit(0.001, 1))
    app = new_app(rate_limits=limits)
    room_id = builders.a_room(app)
    # Who may not upgrade spends nothing.
    with pytest.raises(errors.Forbidden):
        room_upgrades.upgrade(app, bob, room_id, "12")
    room_id = room_upgrades.upgrade(app, alice, room_id, "12")
    with pytest.raises(errors.LimitExceeded):
        room_upgrades.upgrade(app, alice, room_id, "12")
    with pytest.raises(errors.NotFound):
        content(app, room_id, "m.room.tombstone")
