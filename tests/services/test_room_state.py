"""State as clients set and read it: who sees which state, and what may not be set."""

import msgspec
import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import aliases, membership, messages, room_members, room_state
from tests import builders
from tests.builders import ALICE, BOB, CHARLIE, SERVER_NAME, a_requester

alice, bob, charlie = a_requester(ALICE), a_requester(BOB), a_requester(CHARLIE)
UNKNOWN = "!" + "x" * 43
TOPIC = ("m.room.topic", "")


def put_topic(app: App, room_id: str, topic: str) -> str:
    return room_state.put(app, alice, room_id, "m.room.topic", "", {"topic": topic})


def get_all(app: App, requester: Requester, room_id: str) -> list[dict]:
    return [msgspec.json.decode(raw) for raw in room_state.get_all(app, requester, room_id)]


def visibility(value: str) -> Draft:
    return Draft("m.room.history_visibility", ALICE, {"history_visibility": value}, "")


def test_members_see_the_current_state(app: App) -> None:
    room_id = builders.a_room(app)
    event_id = put_topic(app, room_id, "beer")
    put_topic(app, room_id, "wine")
    event_id = put_topic(app, room_id, "beer")
    shown = msgspec.json.decode(room_state.get_event(app, alice, room_id, *TOPIC))
    assert (shown["event_id"], shown["content"]) == (event_id, {"topic": "beer"})
    assert room_state.get_content(app, alice, room_id, *TOPIC) == {"topic": "beer"}
    keys = {(one["type"], one["state_key"]) for one in get_all(app, alice, room_id)}
    assert keys == {
        ("m.room.create", ""),
        ("m.room.member", ALICE),
        ("m.room.power_levels", ""),
        ("m.room.join_rules", ""),
        TOPIC,
    }


def test_state_that_is_not_there_is_not_found(app: App) -> None:
    room_id = builders.a_room(app)
    for key in (("m.room.topic", ""), ("m.room.join_rules", "x"), ("nul\0", "\0"), ("", "")):
        with pytest.raises(errors.NotFound):
            room_state.get_content(app, alice, room_id, *key)
        with pytest.raises(errors.NotFound):
            room_state.get_event(app, alice, room_id, *key)


def test_setting_the_same_again_makes_no_event(app: App) -> None:
    room_id = builders.a_room(app)
    assert put_topic(app, room_id, "beer") == put_topic(app, room_id, "beer")


def test_who_has_left_sees_the_state_as_it_was_then(app: App) -> None:
    room_id = builders.a_room(app)
    put_topic(app, room_id, "beer")
    membership.join(app, bob, room_id)
    membership.leave(app, bob, room_id)
    put_topic(app, room_id, "wine")
    put_topic(app, builders.a_room(app), "water")
    assert room_state.get_content(app, bob, room_id, *TOPIC) == {"topic": "beer"}
    # Their own leave is part of it.
    own = room_state.get_content(app, bob, room_id, "m.room.member", BOB)
    assert own["membership"] == "leave"
    shown = get_all(app, bob, room_id)
    topics = [one["content"] for one in shown if one["type"] == "m.room.topic"]
    assert topics == [{"topic": "beer"}]


def test_so_does_who_was_banned_later_or_is_invited_again(app: App) -> None:
    room_id = builders.a_room(app, join_rule="invite")
    put_topic(app, room_id, "beer")
    membership.invite(app, alice, room_id, BOB)
    membership.join(app, bob, room_id)
    membership.kick(app, alice, room_id, BOB)
    put_topic(app, room_id, "wine")
    membership.ban(app, alice, room_id, BOB)
    assert room_state.get_content(app, bob, room_id, *TOPIC) == {"topic": "beer"}
    membership.unban(app, alice, room_id, BOB)
    membership.invite(app, alice, room_id, BOB)
    assert room_state.get_content(app, bob, room_id, *TOPIC) == {"topic": "beer"}
    membership.join(app, bob, room_id)
    assert room_state.get_content(app, bob, room_id, *TOPIC) == {"topic": "wine"}


def test_who_never_was_in_the_room_sees_nothing(app: App) -> None:
    room_id = builders.a_room(app, join_rule="knock")
    membership.invite(app, alice, room_id, BOB)
    membership.knock(app, charlie, room_id)
    stranger = a_requester(f"@stranger:{SERVER_NAME}")
    for who in (bob, charlie, stranger):
        for place in (room_id, UNKNOWN):
            with pytest.raises(errors.Forbidden):
                room_state.get_content(app, who, place, "m.room.create", "")
            with pytest.raises(errors.Forbidden):
                get_all(app, who, place)
    # To reject the invite is not to have been there.
    membership.leave(app, bob, room_id)
    with pytest.raises(errors.Forbidden):
        get_all(app, bob, room_id)


def test_who_has_forgotten_the_room_sees_nothing(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    membership.leave(app, bob, room_id)
    membership.forget(app, bob, room_id)
    with pytest.raises(errors.Forbidden):
        get_all(app, bob, room_id)


def test_all_the_world_may_read_what_is_world_readable(app: App) -> None:
    room_id = builders.a_room(app, first=[visibility("world_readable")])
    assert room_state.get_content(app, bob, room_id, "m.room.create", "")
    builders.append(app, room_id, visibility("shared"))
    with pytest.raises(errors.Forbidden):
        room_state.get_content(app, bob, room_id, "m.room.create", "")


def test_redacted_state_shows_what_is_left_of_it(app: App) -> None:
    room_id = builders.a_room(app)
    event_id = put_topic(app, room_id, "beer")
    messages.redact(app, alice, room_id, event_id, "1", None)
    assert room_state.get_content(app, alice, room_id, *TOPIC) == {}


def test_what_state_replaced_is_not_shown_with_it(app: App) -> None:
    room_id = builders.a_room(app, first=[visibility("joined")])
    put_topic(app, room_id, "a secret")
    put_topic(app, room_id, "beer")
    membership.join(app, bob, room_id)
    own = msgspec.json.decode(room_state.get_event(app, bob, room_id, *TOPIC))
    [shown] = [one for one in get_all(app, bob, room_id) if one["type"] == "m.room.topic"]
    for one in (own, shown):
        assert one["content"] == {"topic": "beer"}
        assert "prev_content" not in one["unsigned"]
        assert "replaces_state" not in one["unsigned"]


def test_strangers_hear_nothing_of_the_aliases(app: App) -> None:
    room_id = builders.a_room(app)
    gone = {"alias": "#gone:elsewhere"}
    builders.append(app, room_id, Draft("m.room.canonical_alias", ALICE, gone, ""))
    for content in (gone, {"alias": "#other:elsewhere"}):
        for place in (room_id, UNKNOWN):
            with pytest.raises(errors.Forbidden):
                room_state.put(app, bob, place, "m.room.canonical_alias", "", content)


@pytest.mark.parametrize("name", ["displayname", "avatar_url"])
def test_a_nul_in_a_name_is_kept_in_the_event_alone(app: App, name: str) -> None:
    room_id = builders.a_room(app)
    said = {"membership": "join", name: "a\0b"}
    room_state.put(app, alice, room_id, "m.room.member", ALICE, said)
    assert room_state.get_content(app, alice, room_id, "m.room.member", ALICE) == said
    shown = room_members.joined_members(app, alice, room_id)[ALICE]
    assert list(shown.values()) == ["ab"]


def test_only_members_with_power_set_state(app: App) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.Forbidden):
        room_state.put(app, bob, room_id, "m.room.topic", "", {"topic": "x"})
    membership.join(app, bob, room_id)
    with pytest.raises(errors.Forbidden):
        room_state.put(app, bob, room_id, "m.room.topic", "", {"topic": "x"})
    with pytest.raises(errors.Forbidden):
        room_state.put(app, bob, UNKNOWN, "m.room.topic", "", {"topic": "x"})


@pytest.mark.parametrize(
    ("event_type", "state_key", "content", "error"),
    [
        ("m.room.create", "", {}, errors.Forbidden),
        ("m.x", BOB, {}, errors.Forbidden),
        ("m\0", "", {}, errors.InvalidParam),
        ("m.x", "\0", {}, errors.InvalidParam),
        ("m.x", "x" * 256, {}, errors.TooLarge),
        ("m.room.power_levels", "", {"users": {ALICE: 100}}, errors.Forbidden),
        ("m.room.power_levels", "", {"users": {BOB: "100"}}, errors.BadJson),
        ("m.room.power_levels", "", {"users": {"bob": 1}}, errors.BadJson),
        ("m.room.power_levels", "", {"events": {"x": True}}, errors.BadJson),
        ("m.room.power_levels", "", {"notifications": {"room": None}}, errors.BadJson),
        ("m.room.power_levels", "", {"kick": 2**53}, errors.BadJson),
        ("m.room.server_acl", "", {"allow": "*"}, errors.BadJson),
        ("m.room.server_acl", "", {"allow": ["*"], "deny": [5]}, errors.BadJson),
        ("m.room.server_acl", "", {"allow": ["*"], "allow_ip_literals": "no"}, errors.BadJson),
        ("m.room.server_acl", "", {}, errors.InvalidParam),
        ("m.room.server_acl", "", {"allow": ["*"], "deny": ["*.test"]}, errors.InvalidParam),
        ("m.room.canonical_alias", "", {"alias": 5}, errors.BadJson),
        ("m.room.canonical_alias", "", {"alt_aliases": "#a:b"}, errors.BadJson),
        ("m.room.canonical_alias", "", {"alias": "a"}, errors.InvalidParam),
        ("m.room.canonical_alias", "", {"alt_aliases": ["#a"]}, errors.InvalidParam),
        ("m.room.canonical_alias", "", {"alias": "#no:soma.test"}, errors.BadAlias),
        ("m.room.canonical_alias", "", {"alt_aliases": ["#a:elsewhere"]}, errors.BadAlias),
        ("m.room.member", "bob", {"membership": "invite"}, errors.InvalidParam),
        (
            "m.room.member",
            BOB,
            {"membership": "invite", "third_party_invite": {"signed": {"token": "\0"}}},
            errors.BadJson,
        ),
    ],
)
def test_what_may_not_be_state_is_refused(app: App, event_type, state_key, content, error) -> None:
    room_id = builders.a_room(app)
    before = len(get_all(app, alice, room_id))
    with pytest.raises(error):
        room_state.put(app, alice, room_id, event_type, state_key, content)
    assert len(get_all(app, alice, room_id)) == before


def test_an_acl_that_lets_this_server_in_is_fine(app: App) -> None:
    room_id = builders.a_room(app)
    acl = {"allow": ["*"], "deny": ["evil.example"]}
    event_id = room_state.put(app, alice, room_id, "m.room.server_acl", "", acl)
    assert event_id.startswith("$")


def test_canonical_aliases_point_to_the_room_unless_they_stood_there_before(app: App) -> None:
    room_id, other = builders.a_room(app), builders.a_room(app)
    here, there = f"#here:{SERVER_NAME}", f"#there:{SERVER_NAME}"
    aliases.create(app, alice, here, room_id)
    aliases.create(app, alice, there, other)

    def put(content: dict) -> str:
        return room_state.put(app, alice, room_id, "m.room.canonical_alias", "", content)

    with pytest.raises(errors.BadAlias):
        put({"alias": here, "alt_aliases": [there]})
    put({"alias": here})
    with app.database.transaction() as txn:
        txn.execute("DELETE FROM room_aliases WHERE room_alias = %s", (here,))
    put({"alias": None, "alt_aliases": [here]})
    put({"alias": ""})
    with pytest.raises(errors.BadAlias):
        put({"alias": here})


def test_a_room_that_wants_no_guests_any_more_loses_them(app: App) -> None:
    room_id = builders.a_room(app)
    guest = f"@guest:{SERVER_NAME}"
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO users (user_id, created_ts, is_guest) VALUES (%s, 0, TRUE)", (guest,)
        )
    room_state.put(app, alice, room_id, "m.room.guest_access", "", {"guest_access": "can_join"})
    membership.join(app, a_requester(guest, is_guest=True), room_id)
    room_state.put(app, alice, room_id, "m.room.guest_access", "", {"guest_access": "forbidden"})
    own = room_state.get_content(app, alice, room_id, "m.room.member", guest)
    assert own["membership"] == "leave"
