"""Images made smaller."""

import errno
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import GifImagePlugin, Image, ImageCms, PngImagePlugin, features

from impl.core.thumbnails import Form
from impl.services.media import thumbnailer
from impl.services.media.thumbnailer import Made, NotAnImage, TooManyPixels, Unreadable
from tests.services.media import pictures

PIXELS_MAX = 1 << 20
SCALED = Form(40, 40, "scale")
CUT = Form(30, 30, "crop")
MOVING = SCALED._replace(is_animated=True)
STRAIGHT = ["red", "green", "blue", "white"]


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def make(
        content: bytes, asked: Form = SCALED, pixels_max: int = PIXELS_MAX
    ) -> tuple[Made, Image.Image]:
        made = thumbnailer.make(
            pictures.saved(tmp_path / "image", content), pixels_max, asked, None
        )
        return made, pictures.read(made.content or content)

    return make


@pytest.mark.parametrize(
    ("kind", "content_type", "written"),
    [
        ("JPEG", "image/jpeg", "image/jpeg"),
        ("MPO", "image/jpeg", "image/jpeg"),
        ("PNG", "image/png", "image/png"),
        ("GIF", "image/gif", "image/png"),
        ("WEBP", "image/webp", "image/jpeg"),
        ("AVIF", "image/avif", "image/jpeg"),
    ],
)
def test_an_image_of_each_kind(make: Any, kind: str, content_type: str, written: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow cannot read them")
    made, small = make(pictures.encoded(pictures.quadrants(200, 100), kind))
    assert made.image == (200, 100, content_type, False)
    assert made.form == Form(40, 20, "scale")
    assert made.content_type == written == Image.MIME[small.format]
    assert small.size == (40, 20)
    assert pictures.corners(small) == STRAIGHT


def test_it_is_cut_on_both_sides(make: Any) -> None:
    wide = Image.new("RGB", (600, 200), "black")
    wide.paste(pictures.quadrants(200, 200), (200, 0))
    made, small = make(pictures.encoded(wide, "PNG"), CUT)
    assert made.form == CUT
    assert small.size == (30, 30)
    assert pictures.corners(small) == STRAIGHT


def test_what_is_smaller_than_asked_for_is_left_as_it_is(make: Any) -> None:
    made, _ = make(pictures.encoded(pictures.quadrants(40, 30), "JPEG"))
    assert made == Made((40, 30, "image/jpeg", False), None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("method", ["scale", "crop"])
def test_it_is_turned_as_it_is_to_be_seen(
    make: Any, kind: str, orientation: int, method: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = pictures.encoded(pictures.quadrants(200, 100), kind, exif=exif)
    made, small = make(content, Form(40, 20, method))
    # Where the first line and the first column of the file are to be seen.
    seen = {
        1: "red green blue white",
        2: "green red white blue",
        3: "white blue green red",
        4: "blue white red green",
        5: "red blue green white",
        6: "blue red white green",
        7: "white green blue red",
        8: "green white red blue",
    }[orientation]
    assert pictures.corners(small) == seen.split()
    assert made.image[:2] == ((100, 200) if orientation > 4 else (200, 100))
    assert small.size == made.form[:2]
    assert not small.getexif()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("asked", [SCALED, MOVING])
def test_nothing_is_left_of_what_the_file_says_of_the_image(
    make: Any, kind: str, asked: Form
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "the secret place"
    options: dict[str, Any] = {"comment": b"the secret place"}
    if kind != "GIF":
        options |= {"exif": exif, "xmp": b"<x>the secret place</x>"}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "the secret place")
        options["pnginfo"] = text
    if asked.is_animated and kind != "JPEG":
        content = pictures.animation(kind, 200, 100, [100, 100], **options)
    else:
        content = pictures.encoded(pictures.quadrants(200, 100), kind, **options)
    assert b"secret place" in content
    made, small = make(content, asked)
    assert b"secret" not in made.content
    assert not {"exif", "xmp", "comment", "Comment"} & set(small.info)


def test_colours_are_kept_by_a_profile_that_is_no_larger_than_such_are(make: Any) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = pictures.quadrants(200, 100)
    _, small = make(pictures.encoded(image, "JPEG", icc_profile=profile))
    assert small.info["icc_profile"] == profile
    _, small = make(pictures.encoded(image, "JPEG", icc_profile=profile + bytes(10_000)))
    assert "icc_profile" not in small.info
    # One of other colours than those that are written.
    _, small = make(pictures.encoded(image.convert("CMYK"), "JPEG", icc_profile=profile))
    assert small.mode == "RGB"
    _, small = make(pictures.encoded(image.convert("L"), "JPEG", icc_profile=profile))
    assert "icc_profile" not in small.info


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_what_is_transparent_stays_so(make: Any, kind: str) -> None:
    image = pictures.quadrants(200, 100, "RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 100, 50))
    made, small = make(pictures.encoded(image, kind))
    assert made.content_type == "image/png"
    alpha = small.convert("RGBA").getchannel("A")
    assert (alpha.getpixel((5, 5)), alpha.getpixel((35, 15))) == (0, 255)


def test_what_could_be_transparent_and_is_not_becomes_small(make: Any) -> None:
    content = pictures.encoded(pictures.quadrants(200, 100, "RGBA"), "WEBP", lossless=True)
    assert make(content)[0].content_type == "image/jpeg"


def test_one_colour_of_a_png_can_be_transparent(make: Any) -> None:
    content = pictures.encoded(pictures.quadrants(200, 100), "PNG", transparency=pictures.RED)
    _, small = make(content)
    assert small.convert("RGBA").getpixel((5, 5))[3] == 0


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_an_image_of_each_mode(make: Any, mode: str) -> None:
    grey = Image.linear_gradient("L").resize((200, 100))
    if mode == "I;16":
        values = Image.linear_gradient("L").resize((200, 100)).convert("I")
        image = values.point(lambda value: value * 257).convert(mode)
    else:
        image = grey.convert(mode)
    _, small = make(pictures.encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    # From black at the top to white at the bottom.
    column = [small.convert("L").getpixel((20, y)) for y in (0, 10, 19)]
    assert column[0] < 60 < column[1] < 200 < column[2]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_who_asks_for_it_gets_an_animation(make: Any, kind: str) -> None:
    content = pictures.animation(kind, 200, 100, [50, 100, 200], loop=0)
    made, small = make(content, MOVING)
    assert made.image.is_animated
    assert made.form == Form(40, 20, "scale", True)
    assert made.content_type == "image/webp"
    assert (small.n_frames, small.size, small.info["loop"]) == (3, (40, 20), 0)
    seen, durations = [], []
    for number in range(3):
        small.seek(number)
        small.load()
        seen.append(pictures.corners(small)[0])
        durations.append(small.info["duration"])
    assert seen == ["red", "green", "white"]
    assert durations == [50, 100, 200]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_who_does_not_ask_for_it_gets_the_first_frame(make: Any, kind: str) -> None:
    made, small = make(pictures.animation(kind, 200, 100, [50, 100]))
    assert made.form == Form(40, 20, "scale", False)
    assert not getattr(small, "is_animated", False)
    assert pictures.corners(small) == STRAIGHT


def test_an_animation_is_cut_and_turned_like_an_image(make: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = pictures.animation("WEBP", 200, 100, [50, 100], exif=exif)
    made, small = make(content, Form(20, 30, "crop", True))
    assert made.image[:2] == (100, 200)
    assert small.size == (20, 30)
    assert pictures.corners(small) == ["blue", "red", "white", "green"]


@pytest.mark.parametrize(("said", "shown"), [({}, 1), ({"loop": 0}, 0), ({"loop": 2}, 3)])
def test_a_gif_is_shown_as_often_as_it_says(make: Any, said: dict[str, int], shown: int) -> None:
    _, small = make(pictures.animation("GIF", 200, 100, [50, 100], **said), MOVING)
    assert small.info["loop"] == shown


def test_a_frame_of_no_time_is_shown_as_browsers_show_it(make: Any) -> None:
    _, small = make(pictures.animation("GIF", 200, 100, [0, 10, 20], loop=0), MOVING)
    durations = []
    for number in range(small.n_frames):
        small.seek(number)
        small.load()
        durations.append(small.info["duration"])
    assert durations == [100, 100, 20]


def test_what_an_animation_shows_to_those_who_know_none_is_no_part_of_it(make: Any) -> None:
    image = Image.new("RGB", (200, 100), "black")
    frames = [pictures.quadrants(200, 100), Image.new("RGB", (200, 100), "white")]
    content = pictures.encoded(
        image, "PNG", save_all=True, append_images=frames, default_image=True, duration=50
    )
    _, small = make(content, MOVING)
    assert small.n_frames == 2
    assert pictures.corners(small) == STRAIGHT


def test_a_long_animation_has_fewer_frames_and_lasts_as_long(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnailer, "_HELD_PIXELS_MAX", 40 * 20 * 4)
    _, small = make(pictures.animation("GIF", 200, 100, [40] * 10, loop=0), MOVING)
    total_ms = 0
    for number in range(small.n_frames):
        small.seek(number)
        small.load()
        total_ms += small.info["duration"]
    assert small.n_frames <= 4
    assert total_ms == 400


@pytest.mark.parametrize(
    ("limit", "value"), [("_READ_PIXELS_MAX", 200 * 100 * 9), ("_ANIMATION_S_MAX", -1.0)]
)
def test_an_animation_that_costs_too_much_is_a_still_image(
    make: Any, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(thumbnailer, limit, value)
    made, small = make(pictures.animation("GIF", 200, 100, [40] * 10), MOVING)
    assert (made.content_type, small.size) == ("image/png", (40, 20))


@pytest.mark.parametrize("place", ["_orientation", "_has_frames", "_frames", "_still"])
def test_what_the_system_does_not_give_is_not_the_fault_of_the_image(
    make: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    content = pictures.animation("GIF", 200, 100, [50, 50])
    if place == "_orientation":
        monkeypatch.setattr(Image.Image, "getexif", fails)
    elif place == "_has_frames":
        monkeypatch.setattr(GifImagePlugin.GifImageFile, "is_animated", property(fails))
    else:
        monkeypatch.setattr(thumbnailer, place, fails)
    with pytest.raises(Unreadable):
        make(content, SCALED if place == "_still" else MOVING)


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/tmp", "/proc/self/mem"])
def test_a_file_that_cannot_be_read_may_be_an_image(path: str) -> None:
    with pytest.raises(Unreadable):
        thumbnailer.make(path, PIXELS_MAX, SCALED, None)


def test_a_place_that_cannot_be_is_the_fault_of_the_image(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(thumbnailer, "_still", fails)
    with pytest.raises(NotAnImage):
        make(pictures.encoded(pictures.quadrants(200, 100), "PNG"))


def test_an_animation_that_breaks_off_is_a_still_image(make: Any) -> None:
    content = pictures.animation("GIF", 200, 100, [40] * 10)
    made, small = make(content[: len(content) // 2], MOVING)
    assert made.content_type == "image/png"
    assert pictures.corners(small) == STRAIGHT


def _png_that_claims(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _gif_with_a_frame_outside(side: int) -> bytes:
    content = bytearray(pictures.encoded(pictures.quadrants(20, 20), "GIF"))
    place = content.index(b"," + struct.pack("<HHHH", 0, 0, 20, 20))
    content[place + 5 : place + 9] = struct.pack("<HH", side, side)
    return bytes(content)


def _webp_that_claims(side: int) -> bytes:
    content = bytearray(pictures.animation("WEBP", 20, 20, [50, 50], loop=0))
    assert content[12:16] == b"VP8X"
    content[24:27] = content[27:30] = (side - 1).to_bytes(3, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        pictures.encoded(Image.new("L", (1025, 1024)), "PNG"),
        pictures.encoded(Image.new("L", (1025, 1024)), "JPEG"),
        pictures.encoded(Image.new("L", (1025, 1024)), "GIF"),
        pictures.encoded(Image.new("L", (1025, 1024)), "WEBP"),
        _png_that_claims(1 << 30, 1 << 30),
        _png_that_claims(60_000, 60_000),
        _gif_with_a_frame_outside(60_000),
        _webp_that_claims(10_000),
    ],
    ids=["png", "jpeg", "gif", "webp", "huge png", "lying png", "gif's frame", "lying webp"],
)
def test_what_has_more_pixels_than_allowed_is_refused_before_it_is_read(
    make: Any, content: bytes
) -> None:
    began_s = time.process_time()
    with pytest.raises(TooManyPixels):
        make(content)
    assert time.process_time() - began_s < 1


def test_as_many_pixels_as_allowed_are_read(make: Any) -> None:
    content = pictures.encoded(Image.new("L", (1024, 1024)), "PNG")
    assert make(content)[0].form == Form(40, 40, "scale")
    with pytest.raises(TooManyPixels):
        make(content, pixels_max=0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        # Formats that Pillow could read.
        pictures.encoded(Image.new("RGB", (100, 100)), "BMP"),
        pictures.encoded(Image.new("RGB", (100, 100)), "TIFF"),
        pictures.encoded(Image.new("RGB", (100, 100)), "ICO"),
        pictures.encoded(Image.new("RGB", (100, 100)), "JPEG2000"),
        _png_that_claims(0, 10),
    ],
)
def test_what_is_no_image_of_those_kinds_is_none(make: Any, content: bytes) -> None:
    with pytest.raises(NotAnImage):
        make(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_half_an_image_is_none(make: Any, kind: str) -> None:
    content = pictures.encoded(Image.effect_noise((200, 100), 50), kind)
    with pytest.raises(NotAnImage):
        make(content[: len(content) // 2])
