"""Creating rooms: which events, in which order, with which content; and what cannot be."""

from dataclasses import replace
from pathlib import Path

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config import RateLimit
from impl.core.event import Event
from impl.services import aliases, room_reading, room_state, rooms
from impl.services.initial_events import InitialState, RoomOptions
from impl.storage import account_data, profiles
from impl.storage import aliases as alias_storage
from impl.storage import room_state as current_state
from tests.builders import ALICE, BOB, CHARLIE, SERVER_NAME, a_config, a_requester

alice = a_requester(ALICE)


def create(app: App, **options: object) -> str:
    return rooms.create(app, alice, RoomOptions(**options))  # type: ignore[arg-type]


def events_of(app: App, room_id: str) -> list[Event]:
    """All events, in the order of the timeline."""
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        txn.execute(
            "SELECT event_nid FROM timeline WHERE room_nid = %s ORDER BY position",
            (room.room_nid,),
        )
        nids = [row[0] for row in txn.fetchall()]
        loaded = app.events.get_many(txn, [(room.room_nid, nid) for nid in nids])
    return [loaded[nid].event for nid in nids]


def content(app: App, room_id: str, event_type: str, state_key: str = "") -> dict:
    return room_state.get_content(app, alice, room_id, event_type, state_key)


def room_count(app: App) -> int:
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM rooms")
        return txn.fetchone()[0]


def test_events_come_in_the_order_of_the_specification(app: App) -> None:
    room_id = create(
        app,
        room_alias_name="pub",
        name="Pub",
        topic="beer",
        initial_state=[InitialState("m.room.encryption", "", {"algorithm": "m.x"})],
        invite=[BOB],
    )
    assert [event.key for event in events_of(app, room_id)] == [
        ("m.room.create", ""),
        ("m.room.member", ALICE),
        ("m.room.power_levels", ""),
        ("m.room.canonical_alias", ""),
        ("m.room.join_rules", ""),
        ("m.room.history_visibility", ""),
        ("m.room.guest_access", ""),
        ("m.room.encryption", ""),
        ("m.room.name", ""),
        ("m.room.topic", ""),
        ("m.room.member", BOB),
    ]


def test_the_default_version_is_the_configured_one(new_app) -> None:
    app = new_app(default_room_version="11")
    room_id = create(app)
    assert content(app, room_id, "m.room.create") == {"room_version": "11"}
    assert room_id.endswith(f":{SERVER_NAME}")


def test_since_version_12_the_room_id_is_the_hash_of_the_create_event(app: App) -> None:
    room_id = create(app, room_version="12")
    assert room_id == "!" + events_of(app, room_id)[0].event_id[1:]


def test_two_equal_rooms_of_one_millisecond_are_two(app: App) -> None:
    app.now_ms = lambda: 1_700_000_000_000
    assert create(app) != create(app)


def test_creation_content_is_kept_but_for_what_the_server_says(app: App) -> None:
    asked = {"m.federate": False, "type": "m.space", "creator": BOB, "room_version": "1"}
    room_id = create(app, creation_content=asked)
    assert content(app, room_id, "m.room.create") == {
        "m.federate": False,
        "type": "m.space",
        "room_version": "12",
    }


def test_until_version_10_the_create_event_names_the_creator(app: App) -> None:
    room_id = create(app, room_version="10", creation_content={"creator": BOB})
    assert content(app, room_id, "m.room.create")["creator"] == ALICE


@pytest.mark.parametrize(
    ("preset", "join_rule", "guest_access"),
    [
        ("private_chat", "invite", "can_join"),
        ("trusted_private_chat", "invite", "can_join"),
        ("public_chat", "public", "forbidden"),
    ],
)
def test_presets_set_who_may_come_in(app: App, preset, join_rule, guest_access) -> None:
    room_id = create(app, preset=preset)
    assert content(app, room_id, "m.room.join_rules") == {"join_rule": join_rule}
    assert content(app, room_id, "m.room.history_visibility") == {"history_visibility": "shared"}
    assert content(app, room_id, "m.room.guest_access") == {"guest_access": guest_access}


def test_initial_state_wins_over_the_preset(app: App) -> None:
    room_id = create(
        app, initial_state=[InitialState("m.room.join_rules", "", {"join_rule": "knock"})]
    )
    assert content(app, room_id, "m.room.join_rules") == {"join_rule": "knock"}


def test_name_and_topic_win_over_initial_state(app: App) -> None:
    room_id = create(
        app,
        name="Pub",
        topic="beer",
        initial_state=[
            InitialState("m.room.name", "", {"name": "Church"}),
            InitialState("m.room.topic", "", {"topic": "wine"}),
        ],
    )
    assert content(app, room_id, "m.room.name") == {"name": "Pub"}
    assert content(app, room_id, "m.room.topic") == {
        "topic": "beer",
        "m.topic": {"m.text": [{"body": "beer", "mimetype": "text/plain"}]},
    }


def test_until_version_11_the_creator_stands_in_the_power_levels(app: App) -> None:
    room_id = create(app, room_version="11")
    levels = content(app, room_id, "m.room.power_levels")
    assert levels["users"] == {ALICE: 100}
    assert levels["events"]["m.room.tombstone"] == 100


def test_since_version_12_the_creator_does_not_and_a_tombstone_takes_150(app: App) -> None:
    room_id = create(app, room_version="12")
    levels = content(app, room_id, "m.room.power_levels")
    assert levels["users"] == {}
    assert levels["events"]["m.room.tombstone"] == 150


def test_a_tombstone_stays_above_state_default_whatever_else_is_overridden(app: App) -> None:
    override = {"events": {"m.room.name": 0}, "state_default": 200}
    levels = content(app, create(app, power_level_content_override=override), "m.room.power_levels")
    assert levels["events"] == {"m.room.name": 0, "m.room.tombstone": 201}


def test_the_creator_may_say_what_a_tombstone_takes(app: App) -> None:
    override = {"events": {"m.room.tombstone": 10}}
    levels = content(app, create(app, power_level_content_override=override), "m.room.power_levels")
    assert levels["events"]["m.room.tombstone"] == 10


def test_the_override_is_laid_over_the_levels(app: App) -> None:
    override = {"users_default": 10, "invite": 77}
    levels = content(app, create(app, power_level_content_override=override), "m.room.power_levels")
    assert (levels["users_default"], levels["invite"], levels["state_default"]) == (10, 77, 50)


def test_until_version_11_the_invited_of_a_trusted_chat_have_the_creators_power(app: App) -> None:
    room_id = create(app, room_version="11", preset="trusted_private_chat", invite=[BOB])
    assert content(app, room_id, "m.room.power_levels")["users"] == {ALICE: 100, BOB: 100}


def test_since_version_12_the_invited_of_a_trusted_chat_are_creators(app: App) -> None:
    room_id = create(
        app,
        preset="trusted_private_chat",
        invite=[BOB, CHARLIE],
        creation_content={"additional_creators": [CHARLIE]},
    )
    creators = content(app, room_id, "m.room.create")["additional_creators"]
    assert creators == [CHARLIE, BOB]


def test_other_presets_make_nobody_else_a_creator(app: App) -> None:
    room_id = create(app, preset="private_chat", invite=[BOB])
    assert "additional_creators" not in content(app, room_id, "m.room.create")


def test_invites_say_whether_the_chat_is_direct_and_whom_they_are_for(app: App) -> None:
    with app.database.transaction() as txn:
        profiles.put(txn, ALICE, "displayname", "Alice")
        profiles.put(txn, BOB, "displayname", "Bob")
    room_id = create(app, invite=[BOB, BOB], is_direct=True)
    assert content(app, room_id, "m.room.member", BOB) == {
        "membership": "invite",
        "displayname": "Bob",
        "is_direct": True,
    }
    assert content(app, room_id, "m.room.member", ALICE) == {
        "membership": "join",
        "displayname": "Alice",
    }


def test_a_room_can_have_more_events_than_a_batch(app: App) -> None:
    users = [f"@user{number}:{SERVER_NAME}" for number in range(150)]
    room_id = create(app, invite=users)
    assert len(events_of(app, room_id)) == 6 + 150


def test_the_alias_points_to_the_room_and_is_its_canonical_one(app: App) -> None:
    room_id = create(app, room_alias_name="pub")
    alias = f"#pub:{SERVER_NAME}"
    assert aliases.resolve(app, alias) == (room_id, [SERVER_NAME])
    assert content(app, room_id, "m.room.canonical_alias") == {"alias": alias}


def test_an_alias_that_is_taken_leaves_no_room_behind(app: App) -> None:
    create(app, room_alias_name="pub")
    with pytest.raises(errors.RoomInUse):
        create(app, room_alias_name="pub")
    assert room_count(app) == 1


@pytest.mark.parametrize("name", ["", "a:b", "nul\0", "x" * 250])
def test_an_alias_must_be_one(app: App, name: str) -> None:
    with pytest.raises(errors.InvalidParam):
        create(app, room_alias_name=name)


def test_a_public_room_is_published(app: App) -> None:
    shown, hidden = create(app, visibility="public"), create(app)
    with app.database.read() as txn:
        published = alias_storage.list_published(txn)
        assert published == [room_reading.get(app, txn, shown).room_nid]
        assert room_reading.get(app, txn, hidden).room_nid not in published


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"room_version": "13"}, errors.UnsupportedRoomVersion),
        ({"room_version": ""}, errors.UnsupportedRoomVersion),
        ({"invite": ["bob"]}, errors.InvalidParam),
        (
            {"initial_state": [InitialState("m.room.member", "bob", {"membership": "invite"})]},
            errors.InvalidParam,
        ),
        ({"creation_content": {"additional_creators": "@a:b"}}, errors.BadJson),
        ({"creation_content": {"additional_creators": ["b"]}}, errors.BadJson),
        ({"power_level_content_override": {"ban": "50"}}, errors.BadJson),
        ({"power_level_content_override": {"users": {BOB: 1.5}}}, errors.BadJson),
        ({"power_level_content_override": {"users": {"bob": 1}}}, errors.BadJson),
        ({"power_level_content_override": {"events": []}}, errors.BadJson),
        ({"creation_content": {"x": 1.5}}, errors.BadJson),
        ({"name": "x" * 70_000}, errors.TooLarge),
        ({"initial_state": [InitialState("a\0", "", {})]}, errors.InvalidParam),
        ({"initial_state": [InitialState("m.room.create", "", {})]}, errors.InvalidRoomState),
        ({"initial_state": [InitialState("x", "@bob:b", {})]}, errors.InvalidRoomState),
        (
            {"initial_state": [InitialState("m.room.canonical_alias", "", {"alias": "#a:b"})]},
            errors.BadAlias,
        ),
        ({"invite": [ALICE]}, errors.InvalidRoomState),
        # Version 12: the creator stands above the levels, not in them.
        ({"power_level_content_override": {"users": {ALICE: 100}}}, errors.InvalidRoomState),
        # Below what the name takes.
        (
            {
                "room_version": "11",
                "name": "Pub",
                "power_level_content_override": {"users": {ALICE: 40}},
            },
            errors.InvalidRoomState,
        ),
    ],
)
def test_what_cannot_be_a_room_leaves_nothing_behind(app: App, options, error) -> None:
    with pytest.raises(error):
        create(app, room_alias_name="pub", visibility="public", **options)
    assert room_count(app) == 0
    with app.database.read() as txn:
        assert alias_storage.get(txn, f"#pub:{SERVER_NAME}") is None
        assert alias_storage.list_published(txn) == []


def test_who_blocks_invites_is_not_invited(app: App) -> None:
    with app.database.transaction() as txn:
        account_data.put(txn, BOB, "", "m.invite_permission_config", {"default_action": "block"})
    as_state = InitialState("m.room.member", BOB, {"membership": "invite"})
    for options in ({"invite": [BOB]}, {"initial_state": [as_state]}):
        with pytest.raises(errors.InviteBlocked):
            create(app, **options)
    assert room_count(app) == 0


def test_invites_are_counted_in_whichever_way_they_are_asked_for(new_app) -> None:
    limits = replace(a_config(Path()).rate_limits, rc_invites_per_user=RateLimit(0.001, 1))
    app = new_app(rate_limits=limits)
    as_state = InitialState("m.room.member", BOB, {"membership": "invite"})
    create(app, initial_state=[as_state])
    for options in ({"invite": [BOB]}, {"initial_state": [as_state]}):
        with pytest.raises(errors.LimitExceeded):
            create(app, **options)


def test_the_current_state_is_what_the_events_say(app: App) -> None:
    room_id = create(app, name="Pub", invite=[BOB])
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        rows = current_state.list_all(txn, room.room_nid)
    assert set(rows) == {event.key for event in events_of(app, room_id)}


def test_of_two_rooms_that_want_the_same_alias_one_gets_it(new_app) -> None:
    first = new_app()
    second = new_app(dsn=first.database.dsn)

    def attempt(app: App) -> str | None:
        try:
            return create(app, room_alias_name="pub")
        except errors.RoomInUse:
            return None

    attempts = [gevent.spawn(attempt, app) for app in (first, second) * 4]
    made = [one.get() for one in attempts]
    assert len([room_id for room_id in made if room_id]) == 1
    assert room_count(first) == 1


def test_who_fails_does_not_take_with_it_the_room_of_another_in_the_batch(app: App) -> None:
    # In version 12 the two have one id: equal events, of one millisecond.
    app.now_ms = lambda: 1_700_000_000_000

    def attempt(alias: str) -> str | None:
        try:
            return create(app, room_alias_name=alias)
        except errors.RoomInUse:
            return None

    # The first one keeps the persister busy until the others wait together.
    attempts = [gevent.spawn(attempt, alias) for alias in ("other", "pub", "pub", "pub")]
    made = [room_id for room_id in (one.get() for one in attempts) if room_id]
    assert len(set(made)) == len(made) == room_count(app) == 2
    assert all(events_of(app, room_id) for room_id in made)


def test_rooms_made_at_once_are_all_made(app: App) -> None:
    app.now_ms = lambda: 1_700_000_000_000
    made = {one.get() for one in [gevent.spawn(create, app) for _ in range(8)]}
    assert len(made) == room_count(app) == 8
