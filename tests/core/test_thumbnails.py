"""Which smaller form of an image is answered with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core.thumbnails import Form, Image, fitted, form_for

SPECIFIED = (
    Form(32, 32, "crop"),
    Form(96, 96, "crop"),
    Form(320, 240, "scale"),
    Form(640, 480, "scale"),
    Form(800, 600, "scale"),
)
PHOTO = Image(4000, 3000, "image/jpeg", False)
TALL = Image(1000, 4000, "image/png", False)
SMALL = Image(50, 40, "image/jpeg", False)
CARTOON = Image(500, 500, "image/gif", True)

_sides = st.integers(1, 5000)
_images = st.builds(
    Image,
    _sides,
    _sides,
    st.sampled_from(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]),
    st.booleans(),
)
_forms = st.builds(Form, _sides, _sides, st.sampled_from(["crop", "scale"]))
_asked = st.builds(Form, _sides, _sides, st.sampled_from(["crop", "scale"]), st.booleans())


@pytest.mark.parametrize(
    ("image", "asked", "form"),
    [
        (PHOTO, Form(800, 600, "scale"), Form(800, 600, "scale")),
        (PHOTO, Form(800, 800, "scale"), Form(800, 600, "scale")),
        (PHOTO, Form(96, 96, "crop"), Form(96, 96, "crop")),
        (TALL, Form(300, 100, "scale"), Form(25, 100, "scale")),
        # Of a piece that is not there as large as asked for, the largest of its shape.
        (TALL, Form(2000, 2000, "crop"), Form(1000, 1000, "crop")),
        (TALL, Form(3000, 1, "crop"), Form(1000, 1, "crop")),
        # What is thin stays visible.
        (Image(5000, 2, "image/png", False), Form(100, 100, "scale"), Form(100, 1, "scale")),
    ],
)
def test_exactly_what_is_asked_for(image: Image, asked: Form, form: Form) -> None:
    assert form_for(image, asked, None) == form


@pytest.mark.parametrize(
    ("image", "asked", "form"),
    [
        (PHOTO, Form(800, 600, "scale"), Form(800, 600, "scale")),
        (PHOTO, Form(400, 400, "scale"), Form(640, 480, "scale")),
        (PHOTO, Form(1, 1, "scale"), Form(320, 240, "scale")),
        (PHOTO, Form(33, 20, "crop"), Form(96, 96, "crop")),
        (PHOTO, Form(32, 32, "crop"), Form(32, 32, "crop")),
        # Larger than the largest: that is doubled, and no size between is made.
        (PHOTO, Form(801, 600, "scale"), Form(800, 600, "scale")),
        (PHOTO, Form(1000, 1000, "scale"), Form(1600, 1200, "scale")),
        (PHOTO, Form(128, 128, "crop"), Form(192, 192, "crop")),
        (TALL, Form(700, 700, "crop"), Form(768, 768, "crop")),
        (TALL, Form(1000, 1000, "crop"), Form(1000, 1000, "crop")),
        # And beyond the doubled ones there is the image: what has a quarter of its pixels is made,
        # and what has more is not, unless it has another shape and is not large.
        (PHOTO, Form(1601, 1200, "scale"), Form(1600, 1200, "scale")),
        (PHOTO, Form(1700, 1700, "scale"), None),
        (PHOTO, Form(1700, 1700, "crop"), None),
        (Image(400, 300, "image/jpeg", False), Form(200, 200, "crop"), Form(300, 300, "crop")),
        (PHOTO, Form(3900, 3900, "scale"), None),
        (TALL, Form(900, 3900, "crop"), None),
    ],
)
def test_the_least_of_the_configured_sizes_that_is_enough(
    image: Image, asked: Form, form: Form | None
) -> None:
    assert form_for(image, asked, SPECIFIED) == form


def test_the_shape_that_is_asked_for_goes_before_the_size() -> None:
    sizes = (Form(100, 100, "crop"), Form(400, 100, "crop"))
    assert form_for(PHOTO, Form(90, 25, "crop"), sizes) == sizes[1]
    assert form_for(PHOTO, Form(90, 90, "crop"), sizes) == sizes[0]


@pytest.mark.parametrize("sizes", [None, SPECIFIED, ()])
@pytest.mark.parametrize("method", ["crop", "scale"])
def test_what_is_smaller_is_answered_with_itself(
    sizes: tuple[Form, ...] | None, method: str
) -> None:
    assert form_for(SMALL, Form(50, 40, method), sizes) is None
    assert form_for(SMALL, Form(60_000, 60_000, method), sizes) is None


def test_where_no_sizes_are_configured_there_is_the_original_alone() -> None:
    assert form_for(PHOTO, Form(96, 96, "crop"), ()) is None


def test_where_nothing_is_cut_it_is_answered_uncut() -> None:
    sizes = (Form(320, 240, "scale"), Form(800, 600, "scale"))
    assert form_for(PHOTO, Form(96, 96, "crop"), sizes) == Form(320, 240, "scale")


def test_an_animation_is_answered_only_to_who_asks_for_it() -> None:
    large = Form(1000, 1000, "scale")
    assert form_for(CARTOON, large._replace(is_animated=True), SPECIFIED) is None
    assert form_for(CARTOON, large, SPECIFIED) == Form(500, 500, "scale")
    assert form_for(CARTOON, Form(96, 96, "crop", True), None) == Form(96, 96, "crop", True)
    assert form_for(PHOTO, Form(96, 96, "crop", True), None) == Form(96, 96, "crop", False)


def test_what_a_thumbnail_may_not_be_is_made_into_one() -> None:
    avif = SMALL._replace(content_type="image/avif")
    assert form_for(avif, Form(100, 100, "scale"), SPECIFIED) == Form(50, 40, "scale")


@given(_images, _forms)
def test_what_fits_is_no_larger_than_the_image_and_touches_the_box(image: Image, box: Form) -> None:
    form = fitted(image, box)
    assert 1 <= form.width <= image.width
    assert 1 <= form.height <= image.height
    is_smaller = image.width <= box.width and image.height <= box.height
    touches = form.width == box.width or form.height == box.height
    is_whole = form.width == image.width or form.height == image.height
    assert touches or is_whole
    if box.method == "scale" and is_smaller:
        assert (form.width, form.height) == (image.width, image.height)


@given(_images, _asked, st.none() | st.lists(_forms, max_size=5))
def test_never_larger_than_the_image_and_never_smaller_than_what_fits(
    image: Image, asked: Form, sizes: list[Form] | None
) -> None:
    form = form_for(image, asked, sizes)
    if form is None:
        assert image.is_animated <= asked.is_animated
        return
    exact = fitted(image, asked)
    assert exact.width <= form.width <= image.width
    assert exact.height <= form.height <= image.height
    assert form.is_animated == (asked.is_animated and image.is_animated)


@given(_images, st.lists(_asked, min_size=100, max_size=200))
def test_one_image_has_few_forms_whoever_asks_for_what(image: Image, asked: list[Form]) -> None:
    forms = {form_for(image, one, SPECIFIED) for one in asked}
    # Five sizes, at most eight doublings of a method each, the whole; still and moving.
    assert len(forms) <= 2 * (5 + 2 * 8 + 1)
