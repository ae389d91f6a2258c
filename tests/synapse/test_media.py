"""Pictures and files of people on one server, seen on the other. S-S API, "Content Repository"."""

import io
import json
import os
import threading
from email.message import Message
from typing import Any

import pytest
from PIL import Image

from tests.synapse.homeservers import Homeserver, SynapseServer
from tests.synapse.people import Person, Refused, quote

Pair = tuple[Homeserver, Homeserver]
MEDIA = "/_matrix/client/v1/media"
LARGE_BYTES = 20 << 20


def test_a_picture_that_is_sent_is_seen(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    picture = a_picture(800, 600)
    uri = upload(alice, picture, "image/png", "garden 🌻.png")
    event_id = alice.send_event(
        room_id, "m.room.message", {"msgtype": "m.image", "body": "the garden", "url": uri}
    )
    told = bob.wait_for_event(room_id, event_id)["content"]["url"]
    body, headers = download(bob, told)
    assert body == picture
    assert headers.get_content_type() == "image/png"
    assert headers.get_content_disposition() == "inline"
    assert headers.get_filename() == "garden 🌻.png"
    small = image(thumbnail(bob, told, width=320, height=240, method="scale")[0])
    assert small.size == (320, 240)
    # It is kept: nobody is asked again.
    pair[0].link.cut()
    assert download(bob, told)[0] == picture
    assert download(bob, told, "another.png")[1].get_filename() == "another.png"


def test_a_picture_of_somebody_is_seen_small(alice: Person, bob: Person) -> None:
    uri = upload(alice, a_picture(400, 200), "image/png")
    alice.put(f"/profile/{alice.user_id}/avatar_url", {"avatar_url": uri})
    told = bob.get(f"/profile/{alice.user_id}/avatar_url")["avatar_url"]
    body, headers = thumbnail(bob, told, width=96, height=96, method="crop")
    assert image(body).size == (96, 96)
    assert headers.get_content_type() == "image/png"


def test_a_large_file_comes_as_it_is(alice: Person, bob: Person) -> None:
    file = os.urandom(LARGE_BYTES)
    uri = upload(alice, file, "application/zip", "all of it.zip")
    body, headers = download(bob, uri)
    assert body == file
    assert headers.get_content_type() == "application/zip"
    assert headers.get_content_disposition() == "attachment"
    assert headers.get_filename() == "all of it.zip"


def test_what_is_promised_is_waited_for(pair: Pair, alice: Person, bob: Person) -> None:
    uri = promise(alice)
    later = threading.Timer(2, put, (alice, uri, b"now it is here"))
    later.start()
    try:
        assert download(bob, uri, timeout_ms=20_000)[0] == b"now it is here"
    finally:
        later.join()
    with pytest.raises(Refused) as refusal:
        download(bob, promise(alice), timeout_ms=500)
    told = (refusal.value.status, refusal.value.errcode)
    # Synapse does not tell its users what another server says of this.
    asked_synapse = isinstance(pair[1], SynapseServer)
    assert told == ((502, "M_UNKNOWN") if asked_synapse else (504, "M_NOT_YET_UPLOADED"))


def test_what_is_not_there_is_not_found(pair: Pair, bob: Person) -> None:
    with pytest.raises(Refused) as refusal:
        download(bob, f"mxc://{pair[0].name}/neverUploadedByAnybody")
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")


def test_a_server_that_is_away_gives_its_files_later(
    pair: Pair, alice: Person, bob: Person
) -> None:
    uri = upload(alice, b"a letter", "text/plain")
    pair[0].link.cut()
    with pytest.raises(Refused) as refusal:
        download(bob, uri)
    assert refusal.value.status in (404, 502, 504)
    pair[0].link.mend()
    bob.wait(lambda: comes(bob, uri, b"a letter"), "the letter")


def a_picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(out, "PNG")
    return out.getvalue()


def image(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body))


def upload(person: Person, data: bytes, content_type: str, file_name: str | None = None) -> str:
    query = {} if file_name is None else {"filename": file_name}
    answer, _ = person.exchange("POST", "/_matrix/media/v3/upload", data, content_type, query)
    return json.loads(answer)["content_uri"]


def promise(person: Person) -> str:
    return person.call("POST", "/_matrix/media/v1/create", {})["content_uri"]


def put(person: Person, uri: str, data: bytes) -> None:
    place = f"/_matrix/media/v3/upload/{place_of(uri)}"
    person.exchange("PUT", place, data, "text/plain")


def download(
    person: Person, uri: str, file_name: str | None = None, **query: Any
) -> tuple[bytes, Message]:
    more = "" if file_name is None else f"/{quote(file_name)}"
    return person.exchange("GET", f"{MEDIA}/download/{place_of(uri)}{more}", query=query)


def thumbnail(person: Person, uri: str, **query: Any) -> tuple[bytes, Message]:
    return person.exchange("GET", f"{MEDIA}/thumbnail/{place_of(uri)}", query=query)


def comes(person: Person, uri: str, expected: bytes) -> bool:
    try:
        return download(person, uri)[0] == expected
    except Refused:
        return False


def place_of(uri: str) -> str:
    server_name, _, media_id = uri.removeprefix("mxc://").partition("/")
    return f"{quote(server_name)}/{quote(media_id)}"
