"""Images made smaller, with Pillow. C-S API, "Thumbnails".

An image is what a stranger says: it may be broken, lie about its size, or aim at the decoder. So
the formats are few, the size is looked at before anything is decoded, and all this runs in a
process of its own (image_program.py) that may have so much memory and time, and imports little.

What comes out has the pixels and the colour profile, and nothing else of what the file said: no
place, no camera, no comment. It is turned as the image is to be seen."""

import errno
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from math import ceil
from typing import Any, NamedTuple

from PIL import Image, ImageFile, features

from impl.core import thumbnails
from impl.core.thumbnails import Form

# What is read, and what it is called elsewhere.
TYPES = {
    "JPEG": "image/jpeg",
    # A JPEG with more images behind the first, as some cameras make them.
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
_READ = ["JPEG", "PNG", "WEBP", "GIF", *(["AVIF"] if features.check("avif") else [])]
_ANIMATED = frozenset({"PNG", "WEBP", "GIF", "AVIF"})
# For what is opaque. Drawings stay sharp, what was photographed becomes small.
_WRITTEN = {"PNG": "PNG", "GIF": "PNG"}
_QUALITY = 80

# C-S API, "Thumbnails": animated ones should be of this type. It has no longer sides.
ANIMATED_TYPE = "image/webp"
_WEBP_SIDE_MAX = 16_383
# What an animation may cost: pixels that are read, pixels that are held until it is written, and
# seconds of computing. One that has more becomes a still image, or has fewer frames a second.
_READ_PIXELS_MAX = 512 << 20
_HELD_PIXELS_MAX = 24 << 20
_ANIMATION_S_MAX = 5.0
# Browsers take what is shorter for a mistake, and show it so long.
_FRAME_MS = 100
_FRAME_MS_MIN = 11

_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = frozenset({5, 6, 7, 8})
# Profiles are a few hundred bytes; a larger one would be most of a small image.
_PROFILE_BYTES_MAX = 8192


class NotAnImage(Exception):
    """None that is read here, or a broken one."""


class TooManyPixels(Exception):
    """It is larger than what is made smaller here."""


class Unreadable(Exception):
    """Whatever it is: the system does not give its bytes."""


class Made(NamedTuple):
    """What there is to an image, and the form of it; without one it is to be answered as it is."""

    image: thumbnails.Image
    form: Form | None
    content_type: str = ""
    content: bytes = b""


def make(path: str, pixels_max: int, asked: Form, sizes: list[Form] | None) -> Made:
    """The smaller form of the image in a file that answers what is asked for."""
    # Decoders raise what they like at broken images: all of it is theirs, and says the same.
    try:
        image, orientation = _look_at(path, pixels_max)
        form = thumbnails.form_for(image, asked, sizes)
        if form is None:
            return Made(image, None)

        # What is turned later is made lying.
        lying = form
        if orientation in _LYING:
            lying = form._replace(width=form.height, height=form.width)
        if form.is_animated:
            animation = _animation(path, pixels_max, lying, orientation)
            if animation is not None:
                return Made(image, form, ANIMATED_TYPE, animation)
        return Made(image, form, *_still(path, pixels_max, lying, orientation))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, MemoryError):
        raise TooManyPixels from None
    except (NotAnImage, TooManyPixels, Unreadable):
        raise
    except Exception as error:
        _check_is_of_image(error)
        raise NotAnImage(type(error).__name__) from error


def _check_is_of_image(error: Exception) -> None:
    """Raise Unreadable for what the system says; decoders give no number."""
    # These two come of a place in the file that cannot be, and the image says which place.
    of_image = (None, errno.EINVAL, errno.EOVERFLOW)
    if isinstance(error, OSError) and error.errno not in of_image:
        raise Unreadable(str(error)) from error


@contextmanager
def _opened(path: str, pixels_max: int) -> Iterator[ImageFile.ImageFile]:
    with warnings.catch_warnings():
        # Pillow only warns of what is larger than this and less than twice as large.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = pixels_max
        with Image.open(path, formats=_READ) as image:
            if image.width < 1 or image.height < 1:
                raise NotAnImage("it has no pixels")
            if image.width * image.height > pixels_max:
                raise TooManyPixels
            yield image


def _look_at(path: str, pixels_max: int) -> tuple[thumbnails.Image, int]:
    with _opened(path, pixels_max) as image:
        width, height = image.size
        orientation = _orientation(image)
        content_type = TYPES[str(image.format)]
        is_animated = image.format in _ANIMATED and _has_frames(image)
    if orientation in _LYING:
        width, height = height, width
    return thumbnails.Image(width, height, content_type, is_animated), orientation


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG)
    except Exception as error:
        _check_is_of_image(error)
        # What is said about an image may be broken, and the image whole.
        return 1
    return orientation if orientation in _TURNS else 1


def _has_frames(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception as error:
        _check_is_of_image(error)
        return False


def _still(path: str, pixels_max: int, form: Form, orientation: int) -> tuple[str, bytes]:
    with _opened(path, pixels_max) as image:
        source = str(image.format)
        profile = image.info.get("icc_profile")
        if source in ("JPEG", "MPO"):
            # The decoder leaves out what would be thrown away, down to an eighth of the sides.
            _draft(image, form)
        small = _without_needless_alpha(_resized(_plain(image), form))
    if orientation in _TURNS:
        small = small.transpose(_TURNS[orientation])
    written = "PNG" if small.mode.endswith("A") else _WRITTEN.get(source, "JPEG")
    return TYPES[written], _saved(small, written, profile)


def _draft(image: ImageFile.ImageFile, form: Form) -> None:
    # Twice as large as is needed, for the rest is done better here.
    factor = 2 * max(form.width / image.width, form.height / image.height)
    image.draft("", (ceil(image.width * factor), ceil(image.height * factor)))


def _plain(image: Image.Image) -> Image.Image:
    """Of a kind that can be made smaller well: of grey or colours, perhaps transparent."""
    if image.mode.startswith("I"):
        # Grey of 16 bits, which would be cut off at 255.
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def _resized(image: Image.Image, form: Form) -> Image.Image:
    left, top, right, bottom = 0.0, 0.0, float(image.width), float(image.height)
    if form.method == "crop":
        # The middle of it.
        width = min(right, bottom * form.width / form.height)
        height = min(bottom, right * form.height / form.width)
        left, top = (right - width) / 2, (bottom - height) / 2
        right, bottom = left + width, top + height
    size = (form.width, form.height)
    box = (left, top, right, bottom)
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def _without_needless_alpha(image: Image.Image) -> Image.Image:
    if image.mode.endswith("A") and image.getchannel("A").getextrema()[0] == 255:
        return image.convert(image.mode[:-1])
    return image


def _saved(image: Image.Image, written: str, profile: object) -> bytes:
    # The writers take from here what they are not told.
    image.info = {}
    options: dict[str, Any] = {}
    if (
        isinstance(profile, bytes)
        and len(profile) <= _PROFILE_BYTES_MAX
        and profile[16:20] == b"RGB "
        and image.mode.startswith("RGB")
    ):
        options["icc_profile"] = profile
    if written == "JPEG":
        options["quality"] = _QUALITY
    output = BytesIO()
    image.save(output, written, **options)
    return output.getvalue()


def _animation(path: str, pixels_max: int, form: Form, orientation: int) -> bytes | None:
    """None: it costs too much, or cannot be read to its end."""
    if max(form.width, form.height) > _WEBP_SIDE_MAX:
        return None
    try:
        with _opened(path, pixels_max) as image:
            frames, durations = _frames(image, form, orientation)
            loop = _loop(image)
    except Exception as error:
        _check_is_of_image(error)
        # The first frame may be whole all the same.
        return None
    if len(frames) < 2:
        return None
    output = BytesIO()
    frames[0].save(
        output,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=loop,
        quality=_QUALITY,
        method=0,
    )
    return output.getvalue()


def _frames(
    image: Image.Image, form: Form, orientation: int
) -> tuple[list[Image.Image], list[int]]:
    until_s = time.process_time() + _ANIMATION_S_MAX
    count = int(getattr(image, "n_frames", 1))
    # What is shown by those who know nothing of animations may be no part of it.
    first = 1 if image.info.get("default_image") else 0
    if count * image.width * image.height > _READ_PIXELS_MAX:
        raise TooManyPixels
    step = ceil(count * form.width * form.height / _HELD_PIXELS_MAX)
    frames: list[Image.Image] = []
    durations: list[int] = []
    for number in range(first, count):
        image.seek(number)
        image.load()
        if time.process_time() > until_s:
            raise TooManyPixels
        if (number - first) % step:
            durations[-1] += _duration_ms(image)
            continue
        frame = _resized(_plain(image), form).convert("RGBA")
        if orientation in _TURNS:
            frame = frame.transpose(_TURNS[orientation])
        frame.info = {}
        frames.append(frame)
        durations.append(_duration_ms(image))
    return frames, durations


def _duration_ms(image: Image.Image) -> int:
    duration_ms = round(image.info.get("duration", 0))
    return duration_ms if duration_ms >= _FRAME_MS_MIN else _FRAME_MS


def _loop(image: Image.Image) -> int:
    """How often it is shown; 0: for ever."""
    loop = image.info.get("loop")
    if image.format != "GIF":
        return min(int(loop or 0), 65_535)
    # A GIF says how often it is shown again, and nothing if it is shown once.
    return 1 if loop is None else min(int(loop) + 1, 65_535) if loop else 0
