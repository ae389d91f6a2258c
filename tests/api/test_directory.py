"""api-specs/client-server/directory.yaml"""

from urllib.parse import quote

from tests.api.api_client import Api, User
from tests.builders import SERVER_NAME

CLIENT = "/_matrix/client/v3"
PUB = f"#pub:{SERVER_NAME}"


def path(room_alias: str) -> str:
    return f"{CLIENT}/directory/room/{quote(room_alias, safe='')}"


def test_an_alias_is_made_read_and_removed(api: Api, alice: User) -> None:
    room_id = alice.create_room()
    assert alice.put(path(PUB), {"room_id": room_id}).json == {}
    # To resolve takes no token.
    answer = api.get(path(PUB))
    assert answer.json == {"room_id": room_id, "servers": [SERVER_NAME]}
    assert alice.delete(path(PUB)).json == {}
    answer = api.get(path(PUB))
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    answer = alice.delete(path(PUB))
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_an_alias_that_exists_is_a_conflict(alice: User) -> None:
    room_id = alice.create_room(room_alias_name="pub")
    answer = alice.put(path(PUB), {"room_id": room_id})
    assert (answer.status, answer.errcode) == (409, "M_UNKNOWN")


def test_what_is_no_alias_is_an_invalid_parameter(alice: User) -> None:
    room_id = alice.create_room()
    for room_alias in ("pub", "#pub", f"@pub:{SERVER_NAME}", "#pub:elsewhere.example"):
        answer = alice.put(path(room_alias), {"room_id": room_id})
        assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    answer = alice.get(path("pub"))
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    # Its server is asked, and there is none.
    assert alice.get(path("#pub:elsewhere.example")).status == 502


def test_the_room_must_be_named_and_be_ones_own(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    assert alice.put(path(PUB), {}).status == 400
    answer = bob.put(path(PUB), {"room_id": room_id})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_strangers_remove_no_aliases(alice: User, bob: User) -> None:
    alice.create_room(room_alias_name="pub", preset="public_chat")
    bob.join(PUB)
    answer = bob.delete(path(PUB))
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_room_lists_its_aliases_for_those_in_it(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    place = f"{CLIENT}/rooms/{room_id}/aliases"
    assert alice.get(place).json == {"aliases": []}
    alice.put(path(PUB), {"room_id": room_id})
    assert alice.get(place).json == {"aliases": [PUB]}
    answer = bob.get(place)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
