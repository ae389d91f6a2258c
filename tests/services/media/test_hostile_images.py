"""Images that are cut off or changed at random: each has an answer, in time, and no wrong one."""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, features

from impl.core.thumbnails import Form
from impl.services.media import image_program
from impl.services.media.image_process import ImageProcess
from tests.services.media import pictures, processes

PIXELS_MAX = 1 << 20
OF_A_KIND = 60
# Of computing, on average; most are refused at once.
SECONDS_EACH = 0.5
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _noise() -> Image.Image:
    # Of few colours, so that it is a few kilobytes and each byte of it counts.
    return Image.effect_noise((120, 90), 60).quantize(16).convert("RGB")


KINDS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: pictures.encoded(_noise(), "JPEG", exif=_turned()),
    "progressive jpeg": lambda: pictures.encoded(_noise(), "JPEG", progressive=True),
    "png": lambda: pictures.encoded(_noise(), "PNG", exif=_turned()),
    "png of a palette": lambda: pictures.encoded(_noise().quantize(16), "PNG", transparency=1),
    "moving png": lambda: pictures.animation("PNG", 120, 90, [50] * 4),
    "gif": lambda: pictures.encoded(_noise(), "GIF", transparency=3),
    "moving gif": lambda: pictures.animation("GIF", 120, 90, [50] * 4, disposal=2),
    "webp": lambda: pictures.encoded(_noise(), "WEBP"),
    "lossless webp": lambda: pictures.encoded(_noise(), "WEBP", lossless=True),
    "moving webp": lambda: pictures.animation("WEBP", 120, 90, [50] * 4),
    **(
        {
            "avif": lambda: pictures.encoded(_noise(), "AVIF", speed=10),
            "moving avif": lambda: pictures.animation("AVIF", 120, 90, [50] * 4, speed=10),
        }
        if features.check("avif")
        else {}
    ),
}


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def mutants(content: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    """Cut off, with bytes changed, left out or put in, most of them near the beginning."""
    for _ in range(count):
        changed = bytearray(content)
        if chance.random() < 0.2:
            del changed[chance.randrange(len(changed)) :]
        for _ in range(chance.choice((1, 1, 2, 5, 20))):
            place = int(len(changed) * chance.random() ** chance.choice((1, 4)))
            length = chance.choice((1, 1, 1, 2, 4))
            what = chance.choice(
                (b"\x00", b"\xff", b"\x7f\xff", chance.randbytes(length), chance.randbytes(length))
            )
            changed[place : place + chance.choice((len(what), len(what), 0, 8))] = what
        yield _with_right_sums(bytes(changed))


def _with_right_sums(content: bytes) -> bytes:
    """A PNG whose checksums hold: else nothing behind the first change would be looked at."""
    if not content.startswith(PNG_SIGNATURE):
        return content
    pieces, source = [PNG_SIGNATURE], BytesIO(content[len(PNG_SIGNATURE) :])
    while len(head := source.read(8)) == 8:
        length = min(struct.unpack(">I", head[:4])[0], len(content))
        body = source.read(length)
        source.read(4)
        pieces += (head, body, struct.pack(">I", zlib.crc32(head[4:] + body)))
    return b"".join(pieces)


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_image_has_an_answer(kind: str, tmp_path: Path) -> None:
    chance = random.Random(kind)
    answers = {"made": 0, "left": 0, "refused": 0}
    process = ImageProcess(PIXELS_MAX)
    try:
        for content in mutants(KINDS[kind](), chance, OF_A_KIND):
            asked = Form(40, 40, chance.choice(("crop", "scale")), chance.random() < 0.5)
            answers[_answer(process, tmp_path / "image", content, asked)] += 1
        computed_s = processes.computed_s(process)
    finally:
        process.end()
    assert computed_s < OF_A_KIND * SECONDS_EACH
    # It is no test where nothing is accepted, or nothing refused; but the pixels of a PNG have a
    # checksum that nearly all changes break.
    assert answers["refused"]
    assert answers["made"] or kind.startswith("png")


def _answer(process: ImageProcess, path: Path, content: bytes, asked: Form) -> str:
    path.write_bytes(content)
    header = process.ask(path, asked, None)
    if "error" in header:
        assert header["error"] in (image_program.NOT_AN_IMAGE, image_program.TOO_MANY_PIXELS)
        return "refused"
    made = b"".join(process.content(header["size"]))
    if header["form"] is None:
        assert not made
        return "left"
    small = pictures.read(made)
    assert [small.width, small.height] == header["form"][:2]
    assert Image.MIME[str(small.format)] == header["content_type"]
    if not asked.is_animated:
        assert not getattr(small, "is_animated", False)
    return "made"
