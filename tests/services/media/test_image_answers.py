"""What a child process says of an image is believed only if it can be."""

from typing import Any

import pytest

from impl.core.thumbnails import Form, Image
from impl.services.media import image_answers
from impl.services.media.image_answers import Answer
from impl.services.media.image_process import ProcessFailed

PIXELS_MAX = 1 << 20
ASKED = Form(40, 40, "scale")
SMALLER = {
    "image": [200, 100, "image/gif", True],
    "form": [40, 20, "scale", False],
    "content_type": "image/png",
    "size": 123,
}
AS_IT_IS = {"image": [30, 20, "image/png", False], "form": None, "content_type": "", "size": 0}


def _read(header: dict[str, Any]) -> Answer:
    return image_answers.read(header, ASKED, None, PIXELS_MAX)


def test_what_is_made_is_what_was_asked_for() -> None:
    image = Image(200, 100, "image/gif", True)
    assert _read(SMALLER) == (image, Form(40, 20, "scale"), "image/png", 123)


def test_what_is_small_is_left_as_it_is() -> None:
    assert _read(AS_IT_IS) == (Image(30, 20, "image/png", False), None, "", 0)


@pytest.mark.parametrize(
    "change",
    [
        {"content_type": "text/html"},
        {"content_type": "image/svg+xml"},
        {"content_type": "image/gif"},
        {"content_type": None},
        {"content_type": ["image/png"]},
        {"size": 0},
        {"size": -1},
        {"size": image_answers.BYTES_MAX + 1},
        {"size": True},
        {"size": 1.5},
        {"size": "123"},
        {"form": None},
        {"form": [40, 21, "scale", False]},
        {"form": [40, 20, "crop", False]},
        {"form": [40, 20, "scale", True]},
        {"form": [40, 20, "../../x", False]},
        {"form": [40, 20]},
        {"form": "40x20"},
        {"image": None},
        {"image": [200, 100]},
        {"image": {"width": 200}},
        {"image": ["200", 100, "image/gif", True]},
        {"image": [200.0, 100, "image/gif", True]},
        {"image": [200, 100, "text/html", True]},
        {"image": [200, 100, ["image/gif"], True]},
        {"image": [200, 100, "image/gif", 1]},
        {"image": [-200, -100, "image/gif", True]},
        {"image": [0, 100, "image/gif", True]},
        {"image": [2**63, 1, "image/gif", True]},
        {"image": [2048, 1024, "image/gif", True]},
    ],
)
def test_what_cannot_be_is_no_answer(change: dict[str, Any]) -> None:
    with pytest.raises(ProcessFailed):
        _read(SMALLER | change)


@pytest.mark.parametrize("name", SMALLER)
def test_what_is_left_out_is_no_answer(name: str) -> None:
    with pytest.raises(ProcessFailed):
        _read({other: value for other, value in SMALLER.items() if other != name})


@pytest.mark.parametrize(
    "change",
    [
        {"size": 1},
        {"size": False, "form": [30, 20, "scale", False]},
        # What is given out as it is has such a type.
        {"image": [30, 20, "image/avif", False]},
        {"image": [30, 20, "text/html", False]},
    ],
)
def test_nothing_comes_with_what_is_left_as_it_is(change: dict[str, Any]) -> None:
    with pytest.raises(ProcessFailed):
        _read(AS_IT_IS | change)
