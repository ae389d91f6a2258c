"""api-specs/client-server/key_backup.yaml."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from impl.app import App
from tests.api.api_client import Answer, Api, User

VERSIONS = "/_matrix/client/v3/room_keys/version"
KEYS = "/_matrix/client/v3/room_keys/keys"
ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
AUTH_DATA = {"public_key": "abcdefg", "signatures": {"@alice:soma.test": {"ed25519:A": "sig"}}}
ROOM, OTHER_ROOM = "!room:soma.test", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"
# As base64 has it.
SESSION = "ab/cd+ef"


def a_key(index: int = 1, **changes: object) -> dict[str, Any]:
    return {
        "first_message_index": index,
        "forwarded_count": 0,
        "is_verified": True,
        "session_data": {"ephemeral": "e", "ciphertext": "é+/=", "mac": "m"},
        **changes,
    }


def a_backup(user: User, **changes: object) -> str:
    answer = user.post(VERSIONS, {"algorithm": ALGORITHM, "auth_data": AUTH_DATA, **changes})
    assert answer.status == 200, answer
    return answer.json["version"]


def place(*pieces: str) -> str:
    return "/".join([KEYS, *(quote(piece, safe="") for piece in pieces)])


def put(user: User, version: str, content: object, *pieces: str) -> Answer:
    return user.put(place(*pieces), content, {"version": version})


def get(user: User, version: str, *pieces: str) -> Answer:
    return user.get(place(*pieces), {"version": version})


def delete(user: User, version: str, *pieces: str) -> Answer:
    return user.api.delete(place(*pieces), token=user.access_token, query={"version": version})


def is_refused(answer: Answer, status: int, errcode: str, *named: str) -> bool:
    told = all(name in answer.json["error"] for name in named)
    return (answer.status, answer.errcode, told) == (status, errcode, True)


def test_a_new_backup_is_the_current_one(alice: User) -> None:
    version = a_backup(alice)
    expected = {"algorithm": ALGORITHM, "auth_data": AUTH_DATA, "version": version, "count": 0}
    for path in (VERSIONS, f"{VERSIONS}/{version}"):
        found = alice.get(path).json
        assert isinstance(found.pop("etag"), str)
        assert found == expected
    newer = a_backup(alice, auth_data={"public_key": "new"})
    assert alice.get(VERSIONS).json["version"] == newer != version
    assert alice.get(f"{VERSIONS}/{version}").json["auth_data"] == AUTH_DATA


def test_who_has_no_backup_is_told_so(alice: User) -> None:
    assert is_refused(alice.get(VERSIONS), 404, "M_NOT_FOUND")
    for answer in (
        put(alice, "1", {"rooms": {}}),
        put(alice, "1", {"sessions": {}}, ROOM),
        put(alice, "1", a_key(), ROOM, SESSION),
        get(alice, "1"),
        delete(alice, "1"),
    ):
        assert is_refused(answer, 404, "M_NOT_FOUND")


@pytest.mark.parametrize("version", ["7", "0", "01", "-1", "x", "1.0", "²", "٣", "9" * 5000])
def test_a_version_that_there_is_not_is_not_found(alice: User, version: str) -> None:
    a_backup(alice)
    path = f"{VERSIONS}/{quote(version)}"
    body = {"algorithm": ALGORITHM, "auth_data": {}}
    for answer in (
        alice.get(path),
        alice.put(path, body),
        alice.delete(path),
        put(alice, version, {"rooms": {}}),
        get(alice, version),
        get(alice, version, ROOM),
        get(alice, version, ROOM, SESSION),
        delete(alice, version),
        delete(alice, version, ROOM),
        delete(alice, version, ROOM, SESSION),
    ):
        assert is_refused(answer, 404, "M_NOT_FOUND")


def test_only_auth_data_changes(alice: User) -> None:
    version = a_backup(alice)
    path = f"{VERSIONS}/{version}"
    etag = put(alice, version, a_key(), ROOM, SESSION).json["etag"]
    body = {"algorithm": ALGORITHM, "auth_data": {"public_key": "new"}}
    assert alice.put(path, body).json == {}
    assert alice.put(path, {**body, "version": version}).json == {}
    assert alice.get(path).json == {**body, "version": version, "etag": etag, "count": 1}

    for change in ({"algorithm": "org.example.other"}, {"version": "2"}, {"version": ""}):
        refused = alice.put(path, {**body, "auth_data": {}, **change})
        assert is_refused(refused, 400, "M_INVALID_PARAM", *change)
    assert alice.get(path).json["auth_data"] == {"public_key": "new"}


def test_the_auth_data_of_an_older_backup_may_change(alice: User) -> None:
    old, _ = a_backup(alice), a_backup(alice)
    answer = alice.put(f"{VERSIONS}/{old}", {"algorithm": ALGORITHM, "auth_data": {}})
    assert answer.status == 200
    assert alice.get(f"{VERSIONS}/{old}").json["auth_data"] == {}


def test_an_algorithm_that_nobody_knows_is_kept(alice: User) -> None:
    a_backup(alice, algorithm="org.example.other")
    assert alice.get(VERSIONS).json["algorithm"] == "org.example.other"


def test_to_delete_a_backup_twice_is_no_error(alice: User) -> None:
    version = a_backup(alice)
    put(alice, version, a_key(), ROOM, SESSION)
    path = f"{VERSIONS}/{version}"
    assert (alice.delete(path).status, alice.delete(path).json) == (200, {})
    for answer in (
        alice.get(path),
        alice.get(VERSIONS),
        get(alice, version),
        delete(alice, version),
    ):
        assert is_refused(answer, 404, "M_NOT_FOUND")
    # The next one begins empty, under a name of its own.
    newer = a_backup(alice)
    assert newer != version
    assert get(alice, newer).json == {"rooms": {}}
    assert is_refused(put(alice, version, {"rooms": {}}), 404, "M_NOT_FOUND")


def test_keys_are_read_as_they_were_put(alice: User) -> None:
    version = a_backup(alice)
    room = {"sessions": {"s1": a_key(1), "s2": a_key(2, is_verified=False)}}
    assert put(alice, version, {"rooms": {ROOM: room}}).json["count"] == 2
    assert put(alice, version, {"sessions": {"s3": a_key(3)}}, OTHER_ROOM).json["count"] == 3
    answer = put(alice, version, a_key(4), OTHER_ROOM, SESSION)
    assert answer.json == {"etag": alice.get(VERSIONS).json["etag"], "count": 4}

    other = {"sessions": {"s3": a_key(3), SESSION: a_key(4)}}
    assert get(alice, version).json == {"rooms": {ROOM: room, OTHER_ROOM: other}}
    assert get(alice, version, OTHER_ROOM).json == other
    assert get(alice, version, OTHER_ROOM, SESSION).json == a_key(4)


def test_what_is_not_there_is_read_as_nothing_or_not_found(alice: User) -> None:
    version = a_backup(alice)
    assert get(alice, version).json == {"rooms": {}}
    assert get(alice, version, ROOM).json == {"sessions": {}}
    assert is_refused(get(alice, version, ROOM, SESSION), 404, "M_NOT_FOUND")


def test_keys_are_deleted_one_by_one_by_room_and_all(alice: User) -> None:
    version = a_backup(alice)
    sessions = {"s1": a_key(), SESSION: a_key(), "s2": a_key()}
    put(alice, version, {"rooms": {room: {"sessions": sessions} for room in (ROOM, OTHER_ROOM)}})
    etags = [alice.get(VERSIONS).json["etag"]]
    for pieces, count in (((ROOM, SESSION), 5), ((ROOM,), 3), ((), 0)):
        answer = delete(alice, version, *pieces)
        assert (answer.status, answer.json["count"]) == (200, count)
        etags.append(answer.json["etag"])
    assert len(set(etags)) == 4
    assert get(alice, version).json == {"rooms": {}}
    assert delete(alice, version, ROOM, SESSION).json == {"etag": etags[-1], "count": 0}


def test_a_stale_version_is_refused_with_the_current_one(alice: User) -> None:
    old = a_backup(alice)
    put(alice, old, a_key(), ROOM, SESSION)
    current = a_backup(alice)
    for answer in (
        put(alice, old, {"rooms": {ROOM: {"sessions": {"new": a_key()}}}}),
        put(alice, old, {"sessions": {"new": a_key()}}, ROOM),
        put(alice, old, a_key(), ROOM, "new"),
    ):
        assert is_refused(answer, 403, "M_WRONG_ROOM_KEYS_VERSION")
        assert answer.json["current_version"] == current
    # It can be read, and keys may go.
    assert list(get(alice, old).json["rooms"][ROOM]["sessions"]) == [SESSION]
    assert delete(alice, old).json["count"] == 0


def test_backups_are_one_s_own(alice: User, bob: User) -> None:
    version = a_backup(alice)
    put(alice, version, a_key(), ROOM, SESSION)
    assert is_refused(bob.get(VERSIONS), 404, "M_NOT_FOUND")
    for answer in (
        bob.get(f"{VERSIONS}/{version}"),
        bob.put(f"{VERSIONS}/{version}", {"algorithm": ALGORITHM, "auth_data": {}}),
        bob.delete(f"{VERSIONS}/{version}"),
        put(bob, version, a_key(0), ROOM, SESSION),
        get(bob, version, ROOM, SESSION),
        delete(bob, version),
    ):
        assert is_refused(answer, 404, "M_NOT_FOUND")
    assert get(alice, version, ROOM, SESSION).json == a_key()


def test_guests_have_no_backups(api_of: Callable[[App], Api], new_app: Callable[..., App]) -> None:
    guests = api_of(new_app(allow_guest_access=True))
    made = guests.post("/_matrix/client/v3/register?kind=guest", {})
    answer = guests.get(VERSIONS, token=made.json["access_token"])
    assert is_refused(answer, 403, "M_GUEST_ACCESS_FORBIDDEN")


@pytest.mark.parametrize(
    ("body", "status", "errcode", "named"),
    [
        ({"auth_data": {}}, 400, "M_BAD_JSON", "algorithm"),
        ({"algorithm": ALGORITHM}, 400, "M_BAD_JSON", "auth_data"),
        ({"algorithm": 1, "auth_data": {}}, 400, "M_BAD_JSON", "algorithm"),
        ({"algorithm": "", "auth_data": {}}, 400, "M_INVALID_PARAM", "algorithm"),
        ({"algorithm": "x" * 256, "auth_data": {}}, 400, "M_INVALID_PARAM", "algorithm"),
        ({"algorithm": ALGORITHM, "auth_data": []}, 400, "M_BAD_JSON", "auth_data"),
        ({"algorithm": ALGORITHM, "auth_data": {"a": "x" * 70_000}}, 413, "M_TOO_LARGE", "auth_"),
    ],
)
def test_a_bad_backup_is_refused(
    alice: User, body: dict[str, object], status: int, errcode: str, named: str
) -> None:
    assert is_refused(alice.post(VERSIONS, body), status, errcode, named)
    assert alice.get(VERSIONS).status == 404


@pytest.mark.parametrize(
    ("change", "status", "errcode"),
    [
        ({"first_message_index": "1"}, 400, "M_BAD_JSON"),
        ({"first_message_index": -1}, 400, "M_BAD_JSON"),
        ({"first_message_index": 1.5}, 400, "M_BAD_JSON"),
        ({"first_message_index": 2**53}, 400, "M_BAD_JSON"),
        ({"forwarded_count": None}, 400, "M_BAD_JSON"),
        ({"forwarded_count": -1}, 400, "M_BAD_JSON"),
        ({"forwarded_count": 2**70}, 400, "M_BAD_JSON"),
        ({"is_verified": "yes"}, 400, "M_BAD_JSON"),
        ({"session_data": "text"}, 400, "M_BAD_JSON"),
        ({"session_data": {"ciphertext": "x" * 70_000}}, 413, "M_TOO_LARGE"),
        ({"session_data": {"ciphertext": "\0"}}, 400, "M_BAD_JSON"),
    ],
)
def test_a_bad_key_is_refused_and_none_of_its_company_is_kept(
    alice: User, change: dict[str, object], status: int, errcode: str
) -> None:
    version = a_backup(alice)
    sessions = {"good": a_key(), "bad": a_key(**change)}
    for answer in (
        put(alice, version, {"rooms": {ROOM: {"sessions": sessions}}}),
        put(alice, version, {"sessions": sessions}, ROOM),
        put(alice, version, sessions["bad"], ROOM, "bad"),
    ):
        assert is_refused(answer, status, errcode)
    assert get(alice, version).json == {"rooms": {}}


@pytest.mark.parametrize("missing", list(a_key()))
def test_a_key_that_lacks_something_is_refused(alice: User, missing: str) -> None:
    version = a_backup(alice)
    key = a_key()
    del key[missing]
    assert is_refused(put(alice, version, key, ROOM, SESSION), 400, "M_BAD_JSON", missing)


@pytest.mark.parametrize("room_id", ["room", "#room:soma.test", "!", "!x:" + "a" * 255])
def test_keys_of_what_is_no_room_are_refused(alice: User, room_id: str) -> None:
    version = a_backup(alice)
    room = {"sessions": {"s": a_key()}}
    for answer in (
        put(alice, version, {"rooms": {ROOM: room, room_id: room}}),
        put(alice, version, room, room_id),
        put(alice, version, a_key(), room_id, "s"),
    ):
        assert is_refused(answer, 400, "M_INVALID_PARAM", "room")
    assert get(alice, version).json == {"rooms": {}}


@pytest.mark.parametrize("session_id", ["", "s" * 256])
def test_a_session_id_is_neither_empty_nor_long(alice: User, session_id: str) -> None:
    version = a_backup(alice)
    answer = put(alice, version, {"sessions": {session_id: a_key()}}, ROOM)
    assert is_refused(answer, 400, "M_INVALID_PARAM", "session")


def test_a_version_must_be_given(alice: User) -> None:
    a_backup(alice)
    for pieces, body in (((), {"rooms": {}}), ((ROOM,), {"sessions": {}}), ((ROOM, "s"), a_key())):
        path = place(*pieces)
        for answer in (alice.get(path), alice.put(path, body), alice.delete(path)):
            assert is_refused(answer, 400, "M_MISSING_PARAM", "version")


def test_twenty_thousand_keys_come_and_go_in_one_request_each(alice: User) -> None:
    version = a_backup(alice)
    # As much as a real one has.
    session_data = {"ephemeral": "e" * 43, "ciphertext": "c" * 540, "mac": "m" * 11}
    sessions = {f"{n:>043}": a_key(n, session_data=session_data) for n in range(100)}
    rooms = {f"!{n}:soma.test": {"sessions": sessions} for n in range(200)}
    answer = put(alice, version, {"rooms": rooms})
    assert (answer.status, answer.json["count"]) == (200, 20_000)
    assert get(alice, version).json == {"rooms": rooms}
    assert delete(alice, version).json["count"] == 0


def test_a_request_has_its_bounds(alice: User) -> None:
    version = a_backup(alice)
    large = a_key(session_data={"ciphertext": "x" * 60_000})
    sessions = {f"s{n}": large for n in range(290)}
    for body, pieces in (
        ({"rooms": {ROOM: {"sessions": sessions}}}, ()),
        ({"sessions": sessions}, (ROOM,)),
    ):
        assert is_refused(put(alice, version, body, *pieces), 413, "M_TOO_LARGE")
    one = a_key(session_data={"ciphertext": "x" * (5 << 20)})
    assert is_refused(put(alice, version, one, ROOM, SESSION), 413, "M_TOO_LARGE")
    assert get(alice, version).json == {"rooms": {}}
