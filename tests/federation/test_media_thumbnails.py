"""Smaller forms of images, between two servers: another server may ask for one of ours, and makes
those of our images for its users itself.
"""

from typing import Any

import pytest

from impl.config.media import Media as Settings
from impl.core import header_values
from impl.core.multipart import Multipart, Part
from tests.api.api_client import Answer, User
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.media_client import FEDERATION, ask_signed, download, promise, upload
from tests.services.media import pictures

PHOTO = pictures.encoded(pictures.quadrants(600, 400), "JPEG")


def ask(server: Server, media_id: str, **query: Any) -> Answer:
    given = {"width": 32, "height": 32, "timeout_ms": 0, **query}
    text = "&".join(f"{name}={value}" for name, value in given.items())
    return ask_signed(server, "b.test", f"{FEDERATION}/thumbnail/{media_id}?{text}")


def second_part(answer: Answer) -> tuple[dict[str, str], bytes]:
    _, parameters = header_values.split(answer.headers["content-type"])
    reader = Multipart(parameters["boundary"])
    events = list(reader.feed(answer.body))
    reader.finish()
    first, second = (place for place, event in enumerate(events) if isinstance(event, Part))
    assert events[first + 1] == b"{}"
    content = b"".join(event for event in events[second:] if isinstance(event, bytes))
    return events[second].headers, content  # type: ignore[union-attr]


def test_another_server_gets_a_smaller_form(a: Server, b: Server, alice: User) -> None:
    answer = ask(a, upload(alice, PHOTO, "image/jpeg"), method="crop")
    assert answer.status == 200
    headers, content = second_part(answer)
    assert headers == {
        "content-type": "image/jpeg",
        "content-disposition": "inline; filename=thumbnail.jpg",
    }
    assert pictures.read(content).size == (32, 32)


def test_another_server_must_say_who_it_is(a: Server, alice: User) -> None:
    target = f"{FEDERATION}/thumbnail/{upload(alice, PHOTO, 'image/jpeg')}?width=32&height=32"
    for api in (a.api, alice):
        answer = api.get(target)
        assert (answer.status, answer.errcode) == (401, "M_UNAUTHORIZED")


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({"width": -1}, "M_INVALID_PARAM"),
        ({"height": 0}, "M_INVALID_PARAM"),
        ({"width": 10**9}, "M_INVALID_PARAM"),
        ({"width": "x"}, "M_INVALID_PARAM"),
        ({"method": "stretch"}, "M_INVALID_PARAM"),
        ({}, "M_UNKNOWN"),
    ],
)
def test_what_makes_no_sense_is_refused(
    a: Server, b: Server, alice: User, query: dict[str, Any], errcode: str
) -> None:
    media_id = upload(alice, PHOTO if query else b"no image", "image/jpeg")
    answer = ask(a, media_id, **query)
    assert (answer.status, answer.errcode) == (400, errcode)


def test_what_is_not_ours_or_not_yet_there(a: Server, b: Server, alice: User, bob: User) -> None:
    theirs = upload(bob, PHOTO, "image/jpeg")
    assert download(alice, "b.test", theirs).status == 200
    for media_id in ("missing", theirs):
        answer = ask(a, media_id)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    answer = ask(a, promise(alice))
    assert (answer.status, answer.errcode) == (504, "M_NOT_YET_UPLOADED")


def thumbnail(user: User, media_id: str) -> Answer:
    """Of an image of a's."""
    path = f"/_matrix/client/v1/media/thumbnail/a.test/{media_id}"
    return user.get(path, {"width": 32, "height": 32, "method": "crop", "timeout_ms": 0})


def test_users_have_smaller_forms_of_what_another_server_has(
    network: Network, alice: User, bob: User
) -> None:
    media_id = upload(alice, PHOTO, "image/jpeg")
    for _ in range(2):
        answer = thumbnail(bob, media_id)
        assert pictures.read(answer.body).size == (32, 32)
    # The whole is fetched, and once: then they are made here.
    assert download(bob, "a.test", media_id).body == PHOTO
    [asked] = network.requests("b.test", "a.test", "/media/")
    assert "/media/download/" in asked.target


def test_what_another_server_has_may_be_too_large(new_server: Servers, alice: User) -> None:
    media_id = upload(alice, PHOTO, "image/jpeg")
    dora = new_server("d.test", media=Settings(max_image_pixels=1000)).register("dora")
    answer = thumbnail(dora, media_id)
    assert (answer.status, answer.errcode) == (502, "M_TOO_LARGE")
