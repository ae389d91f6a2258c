"""What the headers of a file come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import header_values
from impl.core.header_values import OCTET_STREAM, content_type, file_name, media_type, split


@pytest.mark.parametrize(
    ("value", "first", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("multipart/mixed; boundary=abc", "multipart/mixed", {"boundary": "abc"}),
        (
            'multipart/mixed ;BOUNDARY = "a;b c"; x=1',
            "multipart/mixed",
            {"boundary": "a;b c", "x": "1"},
        ),
        ('a; b="c\\"d\\\\e"', "a", {"b": 'c"d\\e'}),
        ("a;;; b=1;", "a", {"b": "1"}),
        ("a; b=1; b=2", "a", {"b": "1"}),
        ('a; b="never ends', "a", {}),
        ("", "", {}),
    ],
)
def test_a_value_has_parameters(value: str, first: str, parameters: dict[str, str]) -> None:
    assert split(value) == (first, parameters)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("inline", None),
        ("inline; filename=a.png", "a.png"),
        ('attachment; filename="a b;c.png"', "a b;c.png"),
        ("inline; filename*=utf-8''%E6%97%A5%E6%9C%AC.png", "日本.png"),
        ("inline; filename=plain; filename*=UTF-8'en'%c3%a9", "é"),
        ('inline; filename="日本.png"', "日本.png"),
        # What cannot be read is as if it were not there.
        ("inline; filename=plain; filename*=utf-8''%FF", "plain"),
        ("inline; filename=plain; filename*=latin-1''%E9", "plain"),
        ("inline; filename*=utf-8%41", None),
        # Nobody can store the one, nor send the other on.
        ("inline; filename*=utf-8''a%00b", None),
        ("inline; filename*=utf-8''a%0D%0ASet-Cookie: x", None),
        ("inline; filename*=utf-8''%ED%A0%80", None),
        ("inline; filename=" + "x" * 1025, None),
        ("inline; filename=" + "x" * 1024, "x" * 1024),
        (None, None),
    ],
)
def test_a_file_has_a_name(disposition: str | None, name: str | None) -> None:
    assert file_name(disposition) == name


@pytest.mark.parametrize("value", ["image/png", "text/plain; charset=utf-8", 'a/b;c="d"'])
def test_a_file_is_what_it_is_said_to_be(value: str) -> None:
    assert content_type(f" {value} ") == value


@pytest.mark.parametrize(
    "value",
    [None, "", "png", "image/", "/png", "image/png\r\nX: y", "image/pn\0g", "imäge/png", "a b/c",
     "a/b;\r\n c=d", "a/b;\tc=d", "a/" + "b" * 300, "a/b;é"],
)  # fmt: skip
def test_what_says_nothing_is_any_file(value: str | None) -> None:
    assert content_type(value) == OCTET_STREAM


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Image/PNG", "image/png"),
        ("text/plain; charset=utf-8;x=y", "text/plain"),
        ('a/b;c="d, e"', "a/b"),
        ("a/b;", ""),
        ("a/b;,c/d", ""),
        ("a/b; c=d, e/f", ""),
        ('a/b; c="d\\", e/f', ""),
        ('a/b; c="d', ""),
        ("", ""),
    ],
)
def test_a_type_is_told_where_all_of_it_is_one(value: str, expected: str) -> None:
    assert media_type(value) == expected


@given(st.text(), st.text(alphabet="; =\"\\'a%*\n", max_size=200))
def test_whatever_comes_can_be_sent_on(one: str, other: str) -> None:
    for value in (one, other, f"inline; filename={one}", f'a; filename="{other}"'):
        assert content_type(value).isprintable()
        name = file_name(value)
        assert name is None or (name.isprintable() and "\0" not in name)


def test_a_long_value_is_read_in_little_time() -> None:
    """Twice as much takes twice as long; were it four times, this would take minutes."""
    for text in ('a; b="' + "\\" * 500_000, "a" + "; " * 250_000, "a;" + " " * 500_000):
        assert header_values.split(text) == ("a", {})
