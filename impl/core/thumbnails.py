"""Which smaller form of an image is answered with. C-S API, "Thumbnails".

What is asked for is a box. "scale" keeps the image's shape and fits it into the box, so that one
side is the box's; "crop" cuts it to the box's shape. Nothing is ever made larger than it was, and
what is answered is never smaller than what exactly fits, unless the image is.

A server either makes just what is asked for (`dynamic_thumbnails`), or keeps to the sizes that it
is configured with, so that nobody can fill the disk with forms of one image. In the latter case
Synapse answers who asks for more than the largest with something smaller, which the specification
forbids. Here the largest is doubled until it is enough: a few forms more, whoever asks for what.
What would have more than half of the image's sides is left out: there is the image then, which has
fewer bytes as often as not."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

METHODS = ("crop", "scale")
# More than any screen has.
SIDE_MAX = 65_535

# Of what is cut more is made, since the image is not of that shape: so many pixels.
_CUT_PIXELS_MAX = 1 << 20

# What a thumbnail may be (C-S API, "getContentThumbnailAuthed"), and so an original in its place.
_ANSWERED_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


class Image(NamedTuple):
    """What is known of an image: how large it is as it is seen, and what its bytes are."""

    width: int
    height: int
    content_type: str
    is_animated: bool


class Form(NamedTuple):
    """A box that is asked for, or a smaller form that exactly has these sides."""

    width: int
    height: int
    method: str
    is_animated: bool = False


def form_for(image: Image, asked: Form, sizes: Sequence[Form] | None) -> Form | None:
    """The form to answer with; None: the image as it is. `sizes` None: just what is asked for."""
    is_animated = asked.is_animated and image.is_animated
    best = _best(image, asked, sizes)
    if best is None or (best.width, best.height) == (image.width, image.height):
        # Who has not asked for it must not be answered with an animation.
        if image.content_type in _ANSWERED_TYPES and is_animated == image.is_animated:
            return None
        best = Form(image.width, image.height, "scale")
    return best._replace(is_animated=is_animated)


def _best(image: Image, asked: Form, sizes: Sequence[Form] | None) -> Form | None:
    # What is smaller than the box is answered with itself.
    if image.width <= asked.width and image.height <= asked.height:
        return None

    exact = fitted(image, asked)
    if sizes is None:
        return exact

    enough = [
        form
        for form in _possible(image, asked.method, sizes)
        if form.width >= exact.width and form.height >= exact.height
    ]
    # Of the same shape if there is one, and of those the smallest.
    return min(enough, key=lambda one: (_bend(one, exact), one.width * one.height), default=None)


def _possible(image: Image, method: str, sizes: Sequence[Form]) -> Iterator[Form]:
    # A server that cuts nothing has for those who want it cut what they can cut themselves.
    boxes = [one for one in sizes if one.method == method] or [
        one for one in sizes if one.method == "scale"
    ]
    for box in boxes:
        yield fitted(image, box)
    for box in sorted(boxes, key=lambda one: one.width * one.height)[-1:]:
        while box.width < image.width or box.height < image.height:
            box = box._replace(width=2 * box.width, height=2 * box.height)
            form = fitted(image, box)
            pixels = form.width * form.height
            is_cut = form.method == "crop" and pixels <= _CUT_PIXELS_MAX
            if is_cut or 4 * pixels <= image.width * image.height:
                yield form


def fitted(image: Image, box: Form) -> Form:
    """What exactly fits a box: never larger than the image, and a pixel at least."""
    width, height = box.width, box.height
    if box.method == "crop":
        # The largest piece of the box's shape.
        if image.width < width or image.height < height:
            width, height = _within(width, height, image.width, image.height)
    elif image.width <= width and image.height <= height:
        width, height = image.width, image.height
    else:
        width, height = _within(image.width, image.height, width, height)
    return Form(width, height, box.method)


def _within(width: int, height: int, width_max: int, height_max: int) -> tuple[int, int]:
    """A rectangle brought to where it touches the sides of another from within."""
    if width_max * height < height_max * width:
        return width_max, max(1, width_max * height // width)
    return max(1, height_max * width // height), height_max


def _bend(one: Form, other: Form) -> float:
    """How far the shapes of two are from each other, from 0 to 1; a pixel is no difference."""
    across, along = one.width * other.height, one.height * other.width
    return round(abs(across - along) / (across + along), 2)
