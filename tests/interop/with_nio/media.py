"""Alice sends a picture and, to those who have the key, a sealed file; Bob looks at both. She shows
herself by a picture."""

import io

import nio
from nio.crypto.attachments import decrypt_attachment
from PIL import Image

from tests.interop.with_nio.people import Person

SECRET = b"where the roses are" * 100_000


async def talk(alice: Person, bob: Person) -> None:
    limits = await bob.does(bob.client.content_repository_config())
    assert limits.upload_size >= 1 << 20
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    await bob.joins(room_id)
    uri = await shows_a_picture(alice, bob, room_id)
    await sends_a_sealed_file(alice, bob, room_id)
    await alice.does(alice.client.set_avatar(uri))
    assert (await bob.does(bob.client.get_avatar(alice.user_id))).avatar_url == uri
    nothing = await bob.client.download(mxc=uri[:-6] + "nobody")
    assert (nothing.status_code, type(nothing)) == ("M_NOT_FOUND", nio.DownloadError)


async def shows_a_picture(alice: Person, bob: Person, room_id: str) -> str:
    picture = a_picture()
    provider = io.BytesIO(picture)
    size = len(picture)
    uploaded, _ = await alice.client.upload(provider, "image/jpeg", "roses.jpg", filesize=size)
    uri = (await alice.does(_ready(uploaded))).content_uri
    content = {"msgtype": "m.image", "body": "roses.jpg", "url": uri}
    await alice.sends(room_id, "m.room.message", content)
    seen = await sees(bob, room_id, nio.RoomMessageImage)
    whole = await bob.does(bob.client.download(mxc=seen.url))
    assert (whole.body, whole.content_type, whole.filename) == (picture, "image/jpeg", "roses.jpg")
    named = await bob.does(bob.client.download(mxc=seen.url, filename="mine.jpg"))
    assert named.filename == "mine.jpg"
    server_name, _, media_id = seen.url.removeprefix("mxc://").partition("/")
    small = await bob.does(
        bob.client.thumbnail(server_name, media_id, 96, 96, nio.ResizingMethod.crop)
    )
    assert Image.open(io.BytesIO(small.body)).size == (96, 96)
    return uri


async def sends_a_sealed_file(alice: Person, bob: Person, room_id: str) -> None:
    provider = io.BytesIO(SECRET)
    size = len(SECRET)
    uploaded, keys = await alice.client.upload(provider, encrypt=True, filesize=size)
    uri = (await alice.does(_ready(uploaded))).content_uri
    content = {"msgtype": "m.file", "body": "secret", "url": uri}
    await alice.sends(room_id, "m.room.message", content)
    seen = await sees(bob, room_id, nio.RoomMessageFile)
    sealed = (await bob.does(bob.client.download(mxc=seen.url))).body
    opened = decrypt_attachment(sealed, keys["key"]["k"], keys["hashes"]["sha256"], keys["iv"])
    assert (opened == SECRET, sealed == SECRET) == (True, False)


async def sees(person: Person, room_id: str, kind: type[nio.RoomMessageMedia]) -> nio.Event:
    def found() -> list[nio.Event]:
        return [one for one in person.events[room_id] if isinstance(one, kind)]

    await person.sees(found)
    return found()[-1]


async def _ready(response: nio.Response) -> nio.Response:
    return response


def a_picture() -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").resize((640, 480)).convert("RGB").save(out, "JPEG")
    return out.getvalue()
