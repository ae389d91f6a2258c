"""C-S API, "Thumbnails": smaller forms of what was uploaded."""

import pytest

from impl.app import App
from impl.config.media import Media
from tests.api.api_client import Answer, Api, User, register
from tests.api.test_content_repo import (
    AUTHED,
    MEDIA,
    ApiOf,
    NewApp,
    guest,
    promised,
    uploaded,
)
from tests.services.media import pictures

PHOTO = pictures.encoded(pictures.quadrants(600, 400), "JPEG")


def thumbnail(user: User | Api, uri: str, version: str | None = None, **query: object) -> Answer:
    """By the authenticated path, or by that of a version before them."""
    place = uri.removeprefix("mxc://")
    path = f"{MEDIA}/{version}/thumbnail/{place}" if version else f"{AUTHED}/thumbnail/{place}"
    return user.get(path, query={"width": 32, "height": 32, "timeout_ms": 0} | query)


@pytest.fixture
def thawed(new_app: NewApp, api_of: ApiOf) -> Api:
    """A server whose files anybody may have."""
    return api_of(new_app(media=Media(enable_authenticated_media=False)))


def test_a_photo_made_smaller(alice: User, bob: User) -> None:
    uri = uploaded(alice, PHOTO, "image/jpeg", "a.jpg")
    answer = thumbnail(bob, uri, method="crop")
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == "inline; filename=thumbnail.jpg"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert pictures.read(answer.body).size == (32, 32)


def test_it_keeps_its_shape_where_nothing_else_is_said(alice: User) -> None:
    uri = uploaded(alice, PHOTO, "image/jpeg")
    assert pictures.read(thumbnail(alice, uri).body).size == (320, 213)
    assert pictures.read(thumbnail(alice, uri, method="scale").body).size == (320, 213)


def test_a_small_photo_is_itself(alice: User) -> None:
    uri = uploaded(alice, PHOTO, "image/jpeg", "a.jpg")
    answer = thumbnail(alice, uri, width=600, height=600)
    assert (answer.status, answer.body) == (200, PHOTO)
    assert answer.headers["content-disposition"] == "inline; filename=a.jpg"


def test_an_animation_is_for_who_asks_for_it(alice: User) -> None:
    uri = uploaded(alice, pictures.animation("GIF", 100, 100, [50, 50]), "image/gif")
    for animated, content_type in (("true", "image/webp"), ("false", "image/png")):
        answer = thumbnail(alice, uri, method="crop", animated=animated)
        assert answer.headers["content-type"] == content_type
        moves = getattr(pictures.read(answer.body), "is_animated", False)
        assert moves == (animated == "true")


def test_who_says_not_who_they_are_has_none(alice: User, api: Api) -> None:
    uri = uploaded(alice, PHOTO, "image/jpeg")
    answer = thumbnail(api, uri)
    assert (answer.status, answer.errcode) == (401, "M_MISSING_TOKEN")
    for version in ("v3", "r0"):
        answer = thumbnail(api, uri, version)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_a_guest_has_them(new_app: NewApp, api_of: ApiOf) -> None:
    api = api_of(new_app(allow_guest_access=True))
    uri = uploaded(register(api, "alice"), PHOTO, "image/jpeg")
    assert pictures.read(thumbnail(guest(api), uri, method="crop").body).size == (32, 32)


def test_anybody_has_them_where_files_are_not_frozen(thawed: Api) -> None:
    from_alice = register(thawed, "alice")
    uri = uploaded(from_alice, PHOTO, "image/jpeg")
    for version in ("v3", "r0"):
        answer = thumbnail(thawed, uri, version, method="crop")
        assert answer.status == 200
        assert pictures.read(answer.body).size == (32, 32)


def test_nobody_has_one_of_what_is_under_quarantine(alice: User, app: App) -> None:
    uri = uploaded(alice, PHOTO, "image/jpeg")
    assert thumbnail(alice, uri).status == 200
    with app.database.transaction() as txn:
        txn.execute("UPDATE media SET quarantined_by = '@admin:soma.test'")
    assert thumbnail(alice, uri).errcode == "M_NOT_FOUND"


def test_what_has_not_come_yet_has_none_yet(alice: User) -> None:
    answer = thumbnail(alice, promised(alice))
    assert (answer.status, answer.errcode) == (504, "M_NOT_YET_UPLOADED")


@pytest.mark.parametrize("content", [b"", b"hello", PHOTO[:100]])
def test_what_is_no_image_has_none(alice: User, content: bytes) -> None:
    answer = thumbnail(alice, uploaded(alice, content, "image/jpeg"))
    assert (answer.status, answer.errcode) == (400, "M_UNKNOWN")


def test_what_is_too_large_has_none(new_app: NewApp, api_of: ApiOf) -> None:
    api = api_of(new_app(media=Media(max_image_pixels=1000)))
    answer = thumbnail(alice := register(api, "alice"), uploaded(alice, PHOTO, "image/jpeg"))
    assert (answer.status, answer.errcode) == (413, "M_TOO_LARGE")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", "0"),
        ("width", "-5"),
        ("height", "99999999999999999999"),
        ("width", "many"),
        ("method", "stretch"),
        ("animated", "perhaps"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(alice: User, name: str, value: str) -> None:
    # Before anything is asked of anybody: the file need not be there.
    answer = thumbnail(alice, "mxc://soma.test/nothing", **{name: value})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    assert name in answer.json["error"]


def test_sides_are_not_left_out(alice: User) -> None:
    answer = alice.get(f"{AUTHED}/thumbnail/soma.test/nothing", query={"height": 32})
    assert (answer.status, answer.errcode) == (400, "M_MISSING_PARAM")
