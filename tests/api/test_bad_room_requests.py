"""What cannot be asked of rooms: each operation, with the code that the specification gives it, and
nothing written."""

from collections.abc import Callable

import pytest

from impl.app import App
from tests.api.api_client import Api, User
from tests.api.room_actions import CLIENT, UNKNOWN
from tests.builders import SERVER_NAME

# Where a user id should stand.
NO_USER_IDS = ["", "bob", "@bob", "bob:soma.test", "@b:so ma", "@" + "b" * 255]
# Where a string should stand.
NO_STRINGS: list[object] = [5, True, 1.5, ["x"], {"x": "x"}]

ON_ROOMS = ("invite", "kick", "ban", "unban", "leave", "join", "upgrade")
OTHERS = ("createRoom", "publicRooms", f"join/{UNKNOWN}", f"knock/{UNKNOWN}")


@pytest.fixture
def written(app: App) -> Callable[[], tuple[int, ...]]:
    """How many rows there are of what room operations write."""

    def count() -> tuple[int, ...]:
        tables = ("rooms", "events", "timeline", "room_aliases", "published_rooms")
        numbers = []
        with app.database.read() as txn:
            for table in tables:
                txn.execute(f"SELECT count(*) FROM {table}")
                numbers.append(txn.fetchone()[0])
        return tuple(numbers)

    return count


@pytest.fixture
def room_id(alice: User, bob: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return room_id


def paths(room_id: str) -> list[str]:
    return [
        *(f"{CLIENT}/rooms/{room_id}/{one}" for one in ON_ROOMS),
        *(f"{CLIENT}/{o}" for o in OTHERS),
    ]


@pytest.mark.parametrize(
    ("data", "errcode"),
    [
        (b"{", "M_NOT_JSON"),
        (b"\xff", "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b"null", "M_BAD_JSON"),
        (b'"x"', "M_BAD_JSON"),
    ],
)
def test_bodies_that_are_no_objects(
    api: Api, alice: User, room_id: str, written: Callable, data: bytes, errcode: str
) -> None:
    before = written()
    for path in paths(room_id):
        answer = api.request("POST", path, token=alice.access_token, data=data)
        assert (answer.status, answer.errcode) == (400, errcode), path
    assert written() == before


@pytest.mark.parametrize("action", ["invite", "kick", "ban", "unban"])
def test_user_ids_that_are_none(alice: User, room_id: str, written: Callable, action: str) -> None:
    before = written()
    path = f"{CLIENT}/rooms/{room_id}/{action}"
    for user_id in NO_USER_IDS:
        answer = alice.post(path, {"user_id": user_id})
        assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM"), user_id
    for value in NO_STRINGS:
        answer = alice.post(path, {"user_id": value})
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), value
        answer = alice.post(path, {"user_id": "@x:soma.test", "reason": value})
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), value
    assert written() == before


@pytest.mark.parametrize("action", ["leave", "join"])
def test_reasons_that_are_no_texts(bob: User, room_id: str, written: Callable, action: str) -> None:
    before = written()
    for value in NO_STRINGS:
        answer = bob.post(f"{CLIENT}/rooms/{room_id}/{action}", {"reason": value})
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), value
    assert written() == before


def test_a_reason_that_no_event_can_hold(alice: User, bob: User, room_id: str, written) -> None:
    before = written()
    for action in ("kick", "ban", "invite"):
        target = "@x:soma.test" if action == "invite" else bob.user_id
        for reason, status, errcode in (
            ("x" * 70_000, 413, "M_TOO_LARGE"),
            ("\ud800", 400, "M_NOT_JSON"),
        ):
            body = {"user_id": target, "reason": reason}
            answer = alice.post(f"{CLIENT}/rooms/{room_id}/{action}", body)
            assert (answer.status, answer.errcode) == (status, errcode), action
    assert written() == before


@pytest.mark.parametrize("place", ["room", "!room", "!:so%20ma", "%23a", "@a:b"])
def test_rooms_that_cannot_be(alice: User, written: Callable, place: str) -> None:
    before = written()
    for action in ("kick", "ban", "unban", "invite", "leave", "forget", "join", "upgrade"):
        body = {"user_id": "@x:soma.test", "new_version": "12"}
        answer = alice.post(f"{CLIENT}/rooms/{place}/{action}", body)
        # Where one must be in the room, it is all the same whether there is one.
        expected = (
            (404, "M_NOT_FOUND") if action in ("leave", "forget", "join") else (403, "M_FORBIDDEN")
        )
        assert (answer.status, answer.errcode) == expected, action
    assert written() == before


def test_a_room_that_is_hidden_is_like_one_that_is_not_there(
    bob: User, charlie: User, alice: User
) -> None:
    hidden = alice.create_room()
    for action in ("kick", "ban", "unban", "invite", "upgrade"):
        body = {"user_id": "@x:soma.test", "new_version": "12"}
        answers = [bob.post(f"{CLIENT}/rooms/{one}/{action}", body) for one in (hidden, UNKNOWN)]
        assert answers[0].json == answers[1].json, action
    for place in ("state", "members", "joined_members", "messages?dir=b", "aliases"):
        answers = [bob.get(f"{CLIENT}/rooms/{one}/{place}") for one in (hidden, UNKNOWN)]
        assert answers[0].status == answers[1].status == 403, place
        assert answers[0].json == answers[1].json, place


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "5"),
        ("limit", 1.5),
        ("limit", -1),
        ("since", 5),
        ("since", "n"),
        ("since", "n1"),
        ("since", "x1_1"),
        ("since", "n" + "9" * 5000 + "_1"),
        ("filter", []),
        ("filter", {"generic_search_term": 5}),
        ("filter", {"room_types": ["m.space", 5]}),
        ("include_all_networks", "yes"),
        ("third_party_instance_id", 5),
    ],
)
def test_questions_to_the_directory(alice: User, field: str, value: object) -> None:
    answer = alice.post(f"{CLIENT}/publicRooms", {field: value})
    assert answer.status == 400
    assert answer.errcode in ("M_BAD_JSON", "M_INVALID_PARAM")


def test_networks_are_one_or_all(alice: User) -> None:
    both = {"include_all_networks": True, "third_party_instance_id": "irc"}
    answer = alice.post(f"{CLIENT}/publicRooms", both)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_limits_of_nothing_and_of_too_much_are_the_server_s_own(alice: User) -> None:
    rooms = [alice.create_room(visibility="public") for _ in range(2)]
    for limit in (0, 10**9):
        answer = alice.post(f"{CLIENT}/publicRooms", {"limit": limit})
        assert {one["room_id"] for one in answer.json["chunk"]} == set(rooms)


@pytest.mark.parametrize("alias", ["x", "%23x", f"%23:{SERVER_NAME}", "%23x%00:soma.test", "@a:b"])
def test_aliases_that_cannot_be(alice: User, room_id: str, written: Callable, alias: str) -> None:
    before = written()
    path = f"{CLIENT}/directory/room/{alias}"
    for answer in (alice.put(path, {"room_id": room_id}), alice.get(path), alice.delete(path)):
        assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    assert written() == before


def test_an_alias_for_no_room(alice: User, written: Callable) -> None:
    before = written()
    path = f"{CLIENT}/directory/room/%23x:{SERVER_NAME}"
    for value in (*NO_STRINGS, None):
        answer = alice.put(path, {"room_id": value})
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), value
    for value in ("", "x", "!x", UNKNOWN):
        answer = alice.put(path, {"room_id": value})
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN"), value
    assert written() == before
