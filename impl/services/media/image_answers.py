"""What a child process says that it has made of an image (image_process.py), checked.

A stranger's image may have taken the process over. What it answers is then the stranger's as well,
and is kept and given out under our name: so it is no more than the bytes of an image, of a type
that thumbnails have, and of the form that we would have chosen."""

from typing import Any, NamedTuple

from impl.core import thumbnails
from impl.core.thumbnails import Form, Image
from impl.services.media.image_process import ProcessFailed
from impl.services.media.thumbnailer import TYPES

# No image of that few pixels has more.
BYTES_MAX = 256 << 20
# What a smaller form is called, by its type; there are no others.
FILE_NAMES = {
    "image/jpeg": "thumbnail.jpg",
    "image/png": "thumbnail.png",
    "image/webp": "thumbnail.webp",
}


class Answer(NamedTuple):
    """What there is to an image, and the form that follows; None: it is to be answered as it is."""

    image: Image
    form: Form | None
    content_type: str
    size: int


def read(header: dict[str, Any], asked: Form, sizes: list[Form] | None, pixels_max: int) -> Answer:
    """What the line says. Raises ProcessFailed for what cannot be."""
    image = _image(header.get("image"), pixels_max)
    form = thumbnails.form_for(image, asked, sizes)
    said = header.get("form")
    if said != (None if form is None else list(form)):
        raise ProcessFailed("another form than was asked for")
    content_type, size = header.get("content_type"), header.get("size")
    if form is None:
        if size != 0:
            raise ProcessFailed("bytes of nothing")
        return Answer(image, None, "", 0)
    if not isinstance(content_type, str) or content_type not in FILE_NAMES:
        raise ProcessFailed("a type that is not made")
    if type(size) is not int or not 0 < size <= BYTES_MAX:
        raise ProcessFailed("no size")
    return Answer(image, form, content_type, size)


def _image(said: Any, pixels_max: int) -> Image:
    if not isinstance(said, list) or len(said) != len(Image._fields):
        raise ProcessFailed("nothing of the image")
    # Exactly these: True is an int as well.
    if [type(one) for one in said] != [int, int, str, bool]:
        raise ProcessFailed("something else than what an image has")
    image = Image(*said)
    if image.width < 1 or image.height < 1 or image.width * image.height > pixels_max:
        raise ProcessFailed("a size that is not read")
    if image.content_type not in TYPES.values():
        raise ProcessFailed("a type that is not read")
    return image
