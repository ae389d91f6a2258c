"""The directory: what it shows of a room, its order and its pages."""

import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import membership, messages, room_directory, room_summaries, rooms
from impl.services.initial_events import InitialState, RoomOptions
from impl.services.room_directory import Directory, Query
from impl.services.room_events import batching, create
from impl.services.room_events.submission import Submission
from tests import builders
from tests.builders import ALICE, BOB, CHARLIE, SERVER_NAME, a_requester

alice, bob = a_requester(ALICE), a_requester(BOB)


def search(app: App, **asked: object) -> dict:
    app.news.catch_up()
    return room_directory.search(app, alice, Query(**asked))  # type: ignore[arg-type]


def shown(app: App, **asked: object) -> list[str]:
    return [chunk["room_id"] for chunk in search(app, **asked)["chunk"]]


def a_published_room(app: App, members: int = 1, **options: object) -> str:
    options = {"visibility": "public", "preset": "public_chat", **options}
    made = RoomOptions(**options)  # type: ignore[arg-type]
    room_id = rooms.create(app, alice, made)
    for number in range(1, members):
        membership.join(app, a_requester(f"@m{number}:{SERVER_NAME}"), room_id)
    return room_id


def test_the_directory_shows_what_a_room_says_of_itself(app: App) -> None:
    room_id = a_published_room(
        app,
        members=2,
        name="Pub",
        topic="beer",
        room_alias_name="pub",
        creation_content={"type": "m.space"},
        initial_state=[
            InitialState("m.room.avatar", "", {"url": "mxc://a/b"}),
            InitialState("m.room.history_visibility", "", {"history_visibility": "world_readable"}),
            InitialState("m.room.guest_access", "", {"guest_access": "can_join"}),
        ],
    )
    assert search(app) == {
        "chunk": [
            {
                "room_id": room_id,
                "num_joined_members": 2,
                "name": "Pub",
                "topic": "beer",
                "canonical_alias": f"#pub:{SERVER_NAME}",
                "avatar_url": "mxc://a/b",
                "join_rule": "public",
                "room_type": "m.space",
                "world_readable": True,
                "guest_can_join": True,
            }
        ],
        "total_room_count_estimate": 1,
    }


def test_what_a_room_does_not_say_is_left_out(app: App) -> None:
    room_id = builders.a_room(app, first=[Draft("m.room.name", ALICE, {"name": 5}, "")])
    room_directory.set_visibility(app, alice, room_id, "public")
    assert search(app)["chunk"] == [
        {
            "room_id": room_id,
            "num_joined_members": 1,
            "join_rule": "public",
            "world_readable": False,
            "guest_can_join": False,
        }
    ]


def test_a_room_without_join_rules_takes_an_invite(app: App) -> None:
    first = Draft("m.room.create", ALICE, {"room_version": "12"}, "")
    made = create.create_event(app, first, "12")
    joined = builders.member(ALICE, "join")
    batching.submit(app, Submission(made.room_id, [joined], create_event=made))
    room_directory.set_visibility(app, alice, made.room_id, "public")
    assert search(app)["chunk"][0]["join_rule"] == "invite"
    with pytest.raises(errors.Forbidden):
        membership.join(app, bob, made.room_id)


def test_what_changes_is_seen_at_once(app: App) -> None:
    room_id = a_published_room(app, name="Pub")
    assert search(app)["chunk"][0]["name"] == "Pub"
    name = Draft("m.room.name", ALICE, {"name": "Inn"}, "")
    event_id = builders.append(app, room_id, name)[0]
    membership.join(app, bob, room_id)
    chunk = search(app)["chunk"][0]
    assert (chunk["name"], chunk["num_joined_members"]) == ("Inn", 2)
    messages.redact(app, alice, room_id, event_id, "1", None)
    assert "name" not in search(app)["chunk"][0]


def test_another_worker_sees_it_as_well(new_app) -> None:
    first = new_app()
    second = new_app(dsn=first.database.dsn)
    room_id = a_published_room(first, name="Pub")
    assert shown(second) == [room_id]
    builders.append(second, room_id, Draft("m.room.name", ALICE, {"name": "Inn"}, ""))
    assert search(first)["chunk"][0]["name"] == "Inn"
    room_directory.set_visibility(second, alice, room_id, "private")
    assert shown(first) == []


def test_only_rooms_that_moved_are_read_again(app: App) -> None:
    moved, still = a_published_room(app), a_published_room(app)
    app.news.catch_up()
    directory = app.part(Directory, Directory)
    before = {entry.chunk["room_id"]: entry for entry in directory.list_all()}
    membership.join(app, bob, moved)
    app.news.catch_up()
    after = {entry.chunk["room_id"]: entry for entry in directory.list_all()}
    assert after[still] is before[still]
    assert after[moved].chunk["num_joined_members"] == 2


def test_the_largest_rooms_come_first(app: App) -> None:
    small, large, middle = (a_published_room(app, members=n) for n in (1, 3, 2))
    assert shown(app) == [large, middle, small]


def test_pages_lead_forward_and_back(app: App) -> None:
    order = [a_published_room(app, members=n) for n in (3, 2, 2, 1, 1)]
    first = search(app, limit=2)
    assert [chunk["room_id"] for chunk in first["chunk"]] == order[:2]
    assert "prev_batch" not in first
    assert first["total_room_count_estimate"] == 5
    second = search(app, limit=2, since=first["next_batch"])
    assert [chunk["room_id"] for chunk in second["chunk"]] == order[2:4]
    third = search(app, limit=2, since=second["next_batch"])
    assert [chunk["room_id"] for chunk in third["chunk"]] == order[4:]
    assert "next_batch" not in third
    assert shown(app, limit=2, since=third["prev_batch"]) == order[2:4]
    assert shown(app, limit=2, since=second["prev_batch"]) == order[:2]
    assert shown(app, limit=1, since=second["prev_batch"]) == order[1:2]


def test_a_page_goes_on_where_it_ended_though_rooms_come_and_go(app: App) -> None:
    order = [a_published_room(app, members=n) for n in (3, 2, 1)]
    token = search(app, limit=2)["next_batch"]
    room_directory.set_visibility(app, alice, order[0], "private")
    assert shown(app, limit=2, since=token) == order[2:]


def test_the_search_looks_at_name_topic_and_alias_in_any_case(app: App) -> None:
    named = a_published_room(app, name="The Grüne Pub")
    told = a_published_room(app, topic="all about PUBS")
    called = a_published_room(app, room_alias_name="pub")
    a_published_room(app, name="Church")
    assert set(shown(app, search_term="pub")) == {named, told, called}
    assert shown(app, search_term="GRÜNE") == [named]
    assert shown(app, search_term="beer") == []
    assert len(shown(app, search_term="")) == 4


def test_rooms_are_found_by_type_and_null_is_no_type(app: App) -> None:
    space = a_published_room(app, creation_content={"type": "m.space"})
    plain = a_published_room(app)
    assert shown(app, room_types=["m.space"]) == [space]
    assert shown(app, room_types=[None]) == [plain]
    assert set(shown(app, room_types=[None, "m.space"])) == {space, plain}
    assert shown(app, room_types=[]) == []
    assert shown(app, room_types=["x"]) == []


def test_other_networks_have_no_rooms_here(app: App) -> None:
    room_id = a_published_room(app)
    assert shown(app, third_party_instance_id="irc") == []
    assert shown(app, include_all_networks=True) == [room_id]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"limit": -1}, errors.InvalidParam),
        ({"since": ""}, errors.InvalidParam),
        ({"since": "x1_1"}, errors.InvalidParam),
        ({"since": "n1"}, errors.InvalidParam),
        ({"since": "n1_x"}, errors.InvalidParam),
        ({"include_all_networks": True, "third_party_instance_id": "x"}, errors.InvalidParam),
        ({"server": "no server"}, errors.InvalidParam),
    ],
)
def test_what_cannot_be_asked(app: App, asked: dict, error) -> None:
    with pytest.raises(error):
        search(app, **asked)


def test_the_own_server_may_be_named(app: App) -> None:
    room_id = a_published_room(app)
    assert shown(app, server=SERVER_NAME) == [room_id]


@pytest.mark.parametrize(
    ("content", "topic"),
    [
        ({}, None),
        ({"topic": ""}, None),
        ({"topic": 5}, None),
        ({"topic": "a"}, "a"),
        ({"topic": "a", "m.topic": {"m.text": [{"body": "b"}]}}, "b"),
        ({"topic": "a", "m.topic": {"m.text": [{"body": "b", "mimetype": "text/html"}]}}, "a"),
        ({"m.topic": {"m.text": [{"body": "h", "mimetype": "text/html"}, {"body": "b"}]}}, "b"),
        ({"topic": "a", "m.topic": 5}, "a"),
        ({"topic": "a", "m.topic": {"m.text": [5, {"body": 5}]}}, "a"),
    ],
)
def test_the_topic_is_the_plain_one(content: dict, topic: str | None) -> None:
    assert room_summaries.plain_topic(content) == topic


def test_strangers_read_it_where_the_configuration_lets_them(new_app) -> None:
    with pytest.raises(errors.MissingToken):
        room_directory.search(new_app(), None, Query())
    open_app = new_app(allow_public_rooms_without_auth=True)
    assert room_directory.search(open_app, None, Query())["chunk"] == []


def test_visibility_is_for_those_who_curate_the_aliases(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    assert room_directory.get_visibility(app, room_id) == "private"
    for who in (bob, a_requester(CHARLIE)):
        with pytest.raises(errors.Forbidden):
            room_directory.set_visibility(app, who, room_id, "public")
    room_directory.set_visibility(app, alice, room_id, "public")
    room_directory.set_visibility(app, alice, room_id, "public")
    assert room_directory.get_visibility(app, room_id) == "public"
    room_directory.set_visibility(app, a_requester(BOB, is_admin=True), room_id, "private")
    assert room_directory.get_visibility(app, room_id) == "private"


def test_an_unknown_room_has_no_visibility(app: App) -> None:
    for room_id in ("!" + "x" * 43, "room", "!a\0b:c"):
        with pytest.raises(errors.NotFound):
            room_directory.get_visibility(app, room_id)
        with pytest.raises(errors.NotFound):
            room_directory.set_visibility(app, alice, room_id, "public")
