"""`max_avatar_size` and `allowed_avatar_mimetypes`: of profiles, and of members of one room."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from impl.app import App
from impl.config.media import Media
from tests.api.api_client import Answer, Api, User, register

V3 = "/_matrix/client/v3"
LIMITS = Media(max_avatar_size=5, allowed_avatar_mimetypes=frozenset({"image/png", "image/jpeg"}))


@pytest.fixture
def app(new_app: Callable[..., App]) -> App:
    return new_app(media=LIMITS)


def upload(user: User, data: bytes, content_type: str) -> str:
    answer = user.api.request(
        "POST",
        "/_matrix/media/v3/upload",
        token=user.access_token,
        data=data,
        headers={"CONTENT_TYPE": content_type},
    )
    assert answer.status == 200
    uri: str = answer.json["content_uri"]
    return uri


def of_profile(user: User, uri: str) -> Answer:
    path = f"{V3}/profile/{quote(user.user_id, safe='')}/avatar_url"
    return user.put(path, {"avatar_url": uri})


def in_room(user: User, room_id: str, uri: object) -> Answer:
    place = f"{quote(room_id, safe='')}/state/m.room.member/{quote(user.user_id, safe='')}"
    content = {"membership": "join", "avatar_url": uri}
    return user.put(f"{V3}/rooms/{place}", content)


def test_what_is_small_and_of_a_type_that_is_allowed_may_be_one(alice: User) -> None:
    room_id = alice.create_room()
    for content_type in ("image/png", "image/jpeg", "IMAGE/PNG; x=y"):
        uri = upload(alice, b"12345", content_type)
        assert of_profile(alice, uri).status == 200
        assert in_room(alice, room_id, uri).status == 200
    # No avatar is no file.
    assert of_profile(alice, "").status == 200
    assert in_room(alice, room_id, "").status == 200
    assert in_room(alice, room_id, None).status == 200


def test_what_is_not_may_not(alice: User) -> None:
    room_id = alice.create_room()
    promise = alice.post("/_matrix/media/v1/create").json["content_uri"]
    before = alice.get(f"{V3}/profile/{quote(alice.user_id, safe='')}").json
    for uri in (
        upload(alice, b"123456", "image/png"),
        upload(alice, b"1", "image/gif"),
        upload(alice, b"1", ""),
        promise,
        "mxc://soma.test/unknown",
        "mxc://other.test/abc",
    ):
        for answer in (of_profile(alice, uri), in_room(alice, room_id, uri)):
            assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN"), uri
            assert "avatar_url" in answer.json["error"]
    assert alice.get(f"{V3}/profile/{quote(alice.user_id, safe='')}").json == before
    for value in ("https://soma.test/a.png", ["mxc://soma.test/abc"], {"a": 1}):
        assert in_room(alice, room_id, value).status == 403


@pytest.mark.parametrize(
    "limits", [Media(max_avatar_size=5), Media(allowed_avatar_mimetypes=frozenset({"image/png"}))]
)
def test_each_limit_holds_by_itself(
    new_app: Callable[..., App], api_of: Callable[[App], Api], limits: Media
) -> None:
    alice = register(api_of(new_app(media=limits)), "alice")
    large_image = upload(alice, b"123456", "image/png")
    small_text = upload(alice, b"1", "text/plain")
    is_small = limits.max_avatar_size is not None
    assert of_profile(alice, large_image).status == (403 if is_small else 200)
    assert of_profile(alice, small_text).status == (200 if is_small else 403)
