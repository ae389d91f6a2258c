"""api-specs/client-server/list_public_rooms.yaml"""

from collections.abc import Callable

from impl.app import App
from impl.web import matrix_api
from tests.api.api_client import Api, User, register

CLIENT = "/_matrix/client/v3"
ROOMS = f"{CLIENT}/publicRooms"


def chunk(answer) -> list[str]:
    assert answer.status == 200, answer
    return [room["room_id"] for room in answer.json["chunk"]]


def test_a_rooms_visibility_is_set_and_read(api: Api, alice: User, bob: User) -> None:
    room_id = alice.create_room()
    place = f"{CLIENT}/directory/list/room/{room_id}"
    assert api.get(place).json == {"visibility": "private"}
    # Without a word it is `public`.
    assert alice.put(place, {}).json == {}
    assert api.get(place).json == {"visibility": "public"}
    assert chunk(alice.get(ROOMS)) == [room_id]
    answer = bob.put(place, {"visibility": "private"})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    assert alice.put(place, {"visibility": "private"}).status == 200
    assert chunk(alice.get(ROOMS)) == []
    assert alice.put(place, {"visibility": "x"}).errcode == "M_BAD_JSON"


def test_an_unknown_room_has_no_visibility(alice: User) -> None:
    place = f"{CLIENT}/directory/list/room/!{'x' * 43}"
    for answer in (alice.get(place), alice.put(place, {})):
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_the_directory_comes_in_pages(alice: User, bob: User) -> None:
    small = alice.create_room(visibility="public")
    large = alice.create_room(visibility="public", name="Pub")
    alice.create_room()
    bob.join(large)
    first = alice.get(ROOMS, {"limit": 1})
    assert chunk(first) == [large]
    assert first.json["chunk"][0]["num_joined_members"] == 2
    assert first.json["total_room_count_estimate"] == 2
    second = alice.get(ROOMS, {"limit": 1, "since": first.json["next_batch"]})
    assert chunk(second) == [small]
    back = alice.get(ROOMS, {"limit": 1, "since": second.json["prev_batch"]})
    assert chunk(back) == [large]


def test_the_directory_is_searched(alice: User) -> None:
    pub = alice.create_room(visibility="public", name="The Pub")
    space = alice.create_room(visibility="public", creation_content={"type": "m.space"})
    assert set(chunk(alice.post(ROOMS, {}))) == {pub, space}
    assert chunk(alice.post(ROOMS, {"filter": {"generic_search_term": "pub"}})) == [pub]
    assert chunk(alice.post(ROOMS, {"filter": {"room_types": ["m.space"]}})) == [space]
    assert chunk(alice.post(ROOMS, {"filter": {"room_types": [None]}, "limit": 5})) == [pub]
    assert chunk(alice.post(ROOMS, {"third_party_instance_id": "irc"})) == []
    assert len(chunk(alice.post(ROOMS, {"include_all_networks": True}))) == 2


def test_what_cannot_be_asked(alice: User) -> None:
    assert alice.get(ROOMS, {"since": "x"}).errcode == "M_INVALID_PARAM"
    assert alice.get(ROOMS, {"limit": "x"}).errcode == "M_INVALID_PARAM"
    assert alice.post(ROOMS, {"limit": -5}).errcode == "M_INVALID_PARAM"
    assert alice.post(ROOMS, {"filter": {"room_types": "x"}}).errcode == "M_BAD_JSON"
    assert alice.get(ROOMS, {"server": "elsewhere.example"}).status == 502
    assert alice.get(ROOMS, {"server": "no server"}).errcode == "M_INVALID_PARAM"


def test_strangers_read_it_where_the_configuration_lets_them(new_app: Callable[..., App]) -> None:
    closed = Api(matrix_api.build(new_app()))
    answer = closed.get(ROOMS)
    assert (answer.status, answer.errcode) == (401, "M_MISSING_TOKEN")
    assert chunk(register(closed, "alice").get(ROOMS)) == []
    opened = Api(matrix_api.build(new_app(allow_public_rooms_without_auth=True)))
    assert chunk(opened.get(ROOMS)) == []
