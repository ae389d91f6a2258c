"""Aliases: who makes them, who takes them away, and what that does to the room."""

import re

import pytest

from impl import errors
from impl.app import App
from impl.config.application_services import ApplicationService, Namespace
from impl.core.event_builder import Draft
from impl.services import aliases, membership, room_state, rooms
from impl.services.initial_events import RoomOptions
from tests import builders
from tests.builders import ALICE, BOB, SERVER_NAME, a_requester

alice, bob = a_requester(ALICE), a_requester(BOB)
PUB = f"#pub:{SERVER_NAME}"
INN = f"#inn:{SERVER_NAME}"


def canonical(app: App, room_id: str) -> dict:
    return room_state.get_content(app, alice, room_id, "m.room.canonical_alias", "")


def test_an_alias_leads_to_its_room(app: App) -> None:
    room_id = builders.a_room(app)
    aliases.create(app, alice, PUB, room_id)
    assert aliases.resolve(app, PUB) == (room_id, [SERVER_NAME])
    assert membership.join(app, bob, PUB) == room_id


def test_localparts_may_hold_anything_but_colons_and_nul(app: App) -> None:
    room_id = builders.a_room(app)
    for localpart in ("Über uns", "a/b#c", "💬"):
        aliases.create(app, alice, f"#{localpart}:{SERVER_NAME}", room_id)
        assert aliases.resolve(app, f"#{localpart}:{SERVER_NAME}")[0] == room_id


def test_an_alias_that_exists_is_not_made_again(app: App) -> None:
    room_id = builders.a_room(app)
    aliases.create(app, alice, PUB, room_id)
    for room in (room_id, builders.a_room(app)):
        with pytest.raises(errors.Unknown) as refusal:
            aliases.create(app, alice, PUB, room)
        assert refusal.value.status == 409


@pytest.mark.parametrize(
    "room_alias", ["pub", "#pub", f"#:{SERVER_NAME}", "#pub:elsewhere", f"#a\0:{SERVER_NAME}"]
)
def test_an_alias_is_valid_and_of_this_server(app: App, room_alias: str) -> None:
    with pytest.raises(errors.InvalidParam):
        aliases.create(app, alice, room_alias, builders.a_room(app))


def test_aliases_are_made_by_members_and_administrators(app: App) -> None:
    room_id = builders.a_room(app)
    for place in (room_id, "!" + "x" * 43):
        with pytest.raises(errors.Forbidden):
            aliases.create(app, bob, PUB, place)
    admin = a_requester(BOB, is_admin=True)
    aliases.create(app, admin, PUB, room_id)
    with pytest.raises(errors.NotFound):
        aliases.create(app, admin, INN, "!" + "x" * 43)


def test_an_unknown_alias_is_not_found(app: App) -> None:
    with pytest.raises(errors.NotFound):
        aliases.resolve(app, PUB)
    for room_alias in (PUB, "#pub:elsewhere"):
        with pytest.raises(errors.NotFound):
            aliases.delete(app, alice, room_alias)
    with pytest.raises(errors.InvalidParam):
        aliases.resolve(app, "pub")


def test_aliases_are_taken_away_by_maker_moderator_or_administrator(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    aliases.create(app, alice, PUB, room_id)
    with pytest.raises(errors.Forbidden):
        aliases.delete(app, bob, PUB)
    aliases.delete(app, a_requester(BOB, is_admin=True), PUB)
    aliases.create(app, bob, PUB, room_id)
    aliases.delete(app, alice, PUB)
    aliases.create(app, bob, PUB, room_id)
    membership.leave(app, bob, room_id)
    aliases.delete(app, bob, PUB)
    with pytest.raises(errors.NotFound):
        aliases.resolve(app, PUB)


IRC = f"#_irc_pub:{SERVER_NAME}"
irc_bot = a_requester(f"@ircbot:{SERVER_NAME}", device_id=None, appservice_id="irc")


def a_bridged_app(new_app) -> App:
    """With two application services, one of which has its aliases to itself."""
    return new_app(
        application_services=tuple(
            ApplicationService(
                id=name,
                url=None,
                as_token=f"{name} as_token",
                hs_token=f"{name} hs_token",
                sender_localpart=f"{name}bot",
                namespaces={
                    "users": (),
                    "aliases": (Namespace(re.compile(f"#_{name}_.*"), is_exclusive),),
                    "rooms": (),
                },
            )
            for name, is_exclusive in (("irc", True), ("xmpp", False))
        )
    )


def test_what_a_service_has_to_itself_is_for_nobody_else(new_app) -> None:
    app = a_bridged_app(new_app)
    room_id = builders.a_room(app)
    xmpp_bot = a_requester(f"@xmppbot:{SERVER_NAME}", appservice_id="xmpp")
    for who in (alice, xmpp_bot):
        with pytest.raises(errors.Exclusive):
            aliases.create(app, who, IRC, room_id)
    with pytest.raises(errors.Exclusive):
        rooms.create(app, alice, RoomOptions(room_alias_name="_irc_pub"))
    aliases.create(app, alice, f"#_xmpp_pub:{SERVER_NAME}", room_id)
    made = rooms.create(app, irc_bot, RoomOptions(room_alias_name="_irc_pub"))
    assert aliases.resolve(app, IRC)[0] == made
    membership.invite(app, irc_bot, made, ALICE)
    membership.join(app, alice, made)
    with pytest.raises(errors.Exclusive):
        aliases.delete(app, alice, IRC)
    aliases.delete(app, a_requester(ALICE, is_admin=True), IRC)


def test_a_service_has_the_aliases_of_its_namespace_and_no_others(new_app) -> None:
    app = a_bridged_app(new_app)
    room_id = builders.a_room(app)
    membership.join(app, irc_bot, room_id)
    with pytest.raises(errors.Exclusive):
        aliases.create(app, irc_bot, PUB, room_id)
    aliases.create(app, alice, PUB, room_id)
    with pytest.raises(errors.Exclusive):
        aliases.delete(app, irc_bot, PUB)
    aliases.create(app, irc_bot, IRC, room_id)
    ghost = a_requester(f"@_irc_x:{SERVER_NAME}", appservice_id="irc")
    aliases.delete(app, ghost, IRC)


def test_an_alias_that_goes_leaves_the_canonical_alias_too(app: App) -> None:
    room_id = builders.a_room(app)
    for one in (PUB, INN):
        aliases.create(app, alice, one, room_id)
    content = {"alias": PUB, "alt_aliases": [INN, PUB], "x": 1}
    room_state.put(app, alice, room_id, "m.room.canonical_alias", "", content)
    aliases.delete(app, alice, PUB)
    assert canonical(app, room_id) == {"alt_aliases": [INN], "x": 1}


def test_who_may_not_change_the_canonical_alias_takes_the_alias_away_all_the_same(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    aliases.create(app, bob, PUB, room_id)
    builders.append(app, room_id, Draft("m.room.canonical_alias", ALICE, {"alias": PUB}, ""))
    aliases.delete(app, bob, PUB)
    assert canonical(app, room_id) == {"alias": PUB}


def test_members_see_a_rooms_aliases_and_strangers_of_a_world_readable_one(app: App) -> None:
    room_id = builders.a_room(app)
    assert aliases.list_local(app, alice, room_id) == []
    for one in (PUB, INN):
        aliases.create(app, alice, one, room_id)
    assert aliases.list_local(app, alice, room_id) == [INN, PUB]
    for place in (room_id, "!" + "x" * 43):
        with pytest.raises(errors.Forbidden):
            aliases.list_local(app, bob, place)
    content = {"history_visibility": "world_readable"}
    builders.append(app, room_id, Draft("m.room.history_visibility", ALICE, content, ""))
    assert aliases.list_local(app, bob, room_id) == [INN, PUB]
