"""A body of several parts, however it is cut."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from impl.core import multipart
from impl.core.multipart import Malformed, Multipart, Part

# Few and telling bytes, so that many contents nearly have a boundary in them.
BYTES = st.lists(
    st.sampled_from([b"\r", b"\n", b"-", b"--", b"b", b"\r\n", b"\r\n--", b"\r\n--b", b"x", b"\0"])
).map(b"".join)

Read = list[tuple[dict[str, str], bytes]]


def read(boundary: str, pieces: Iterable[bytes]) -> Read:
    reader = Multipart(boundary)
    parts: list[tuple[dict[str, str], list[bytes]]] = []
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, Part):
                parts.append((event.headers, []))
            else:
                parts[-1][1].append(event)
    reader.finish()
    return [(headers, b"".join(content)) for headers, content in parts]


def whole(boundary: str, contents: Iterable[bytes]) -> bytes:
    delimiter = b"--" + boundary.encode()
    parts = [b"X: y\r\n\r\n" + content for content in contents]
    return b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--\r\n"


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


def test_what_others_send() -> None:
    synapse = (
        b"\r\n--6067d4698f8d40a0a794ea7d7379d53a\r\nContent-Type: application/json\r\n\r\n{}\r\n"
        b"--6067d4698f8d40a0a794ea7d7379d53a\r\nContent-Type: text/plain\r\n"
        b"Content-Disposition: inline; filename=test_upload\r\n\r\nfile_to_stream\r\n"
        b"--6067d4698f8d40a0a794ea7d7379d53a--\r\n\r\n"
    )
    assert read("6067d4698f8d40a0a794ea7d7379d53a", [synapse]) == [
        ({"content-type": "application/json"}, b"{}"),
        (
            {
                "content-type": "text/plain",
                "content-disposition": "inline; filename=test_upload",
            },
            b"file_to_stream",
        ),
    ]


def test_a_part_may_have_no_content_and_no_headers() -> None:
    body = b"--b\r\n\r\n{}\r\n--b\r\nLocation: https://x/\r\n\r\n--b--"
    assert read("b", [body]) == [({}, b"{}"), ({"location": "https://x/"}, b"")]
    assert read("b", [b"--b\r\n\r\n--b\r\n\r\n\r\n--b--"]) == [({}, b""), ({}, b"")]


def test_what_stands_around_the_parts_is_left_out() -> None:
    body = b"for old mail readers\r\n--b \t\r\nA: b\r\n\r\nx\r\n--b--and more\r\n--b\r\n"
    assert read("b", [body]) == [({"a": "b"}, b"x")]


@given(
    st.sampled_from(["b", "bb", "-", "b-b", "--b", "'()+_,./:=? x"]),
    st.lists(BYTES, min_size=1, max_size=3),
    st.lists(st.integers(0, 10_000), max_size=8),
)
@example("b", [b"\r\n--", b"--"], [])
def test_what_goes_in_comes_out_whatever_the_cuts(
    boundary: str, contents: list[bytes], places: list[int]
) -> None:
    delimiter = b"\r\n--" + boundary.encode()
    # A sender sees to it that its boundary is in nothing that it sends.
    contents = [one for one in contents if delimiter not in b"\r\n" + one + b"\r\n--"]
    body = whole(boundary, contents)
    expected = [({"x": "y"}, content) for content in contents]
    for pieces in ([body], cut(body, places), [bytes([byte]) for byte in body]):
        assert read(boundary, pieces) == expected


@given(BYTES, st.lists(st.integers(0, 10_000), max_size=8))
def test_whatever_comes_is_the_same_whatever_the_cuts(body: bytes, places: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> Read | str:
        try:
            return read("b", pieces)
        except Malformed as error:
            return str(error)

    at_once = outcome([body])
    assert outcome(cut(body, places)) == at_once
    assert outcome([bytes([byte]) for byte in body]) == at_once


@given(st.integers(0, 10_000))
def test_a_body_that_was_cut_off_is_none(place: int) -> None:
    body = b"--b\r\nA: b\r\n\r\n{}\r\n--b\r\n\r\nabc\r\n--b--"
    with pytest.raises(Malformed, match="ends early"):
        read("b", [body[: place % len(body)]])


@pytest.mark.parametrize("boundary", ["", "x" * 71, "a\r\nb", "a\0", "é", "a b ", '"', "a;b"])
def test_a_boundary_has_few_characters(boundary: str) -> None:
    with pytest.raises(Malformed, match="boundary"):
        Multipart(boundary)


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\nno header\r\n\r\nx\r\n--b--",
        b"--b\r\nA: b\r\n folded\r\n\r\nx\r\n--b--",
        b"--b\r\n: x\r\n\r\nx\r\n--b--",
        b"--bc\r\nA: b\r\n\r\nx\r\n--b--",
        b"--b\r\nA: b\r\n\r\nx\r\n--b-",
        b"--b\nA: b\n\nx\n--b--",
        b"--c\r\nA: b\r\n\r\nx\r\n--c--",
    ],
)
def test_what_is_no_such_body_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read("b", [body])


# What comes first, what comes again and again, and how much of it is let through.
ENDLESS = {
    "nothing but lines": (b"", b"\r\n", multipart.AROUND_BYTES_MAX),
    "something else": (b"", b"x" * 1_000, multipart.AROUND_BYTES_MAX),
    "one header": (b"--b\r\nA: ", b"x" * 1_000, multipart.HEADERS_BYTES_MAX),
    "headers": (b"--b\r\n", b"A: x\r\n", multipart.HEADERS_BYTES_MAX),
    "spaces": (b"--b", b" ", 64),
    "more after the end": (b"--b--", b"x" * 1_000, multipart.AROUND_BYTES_MAX),
}


@pytest.mark.parametrize(("first", "more", "bytes_max"), ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_is_refused_in_time(first: bytes, more: bytes, bytes_max: int) -> None:
    reader = Multipart("b")
    list(reader.feed(first))
    with pytest.raises(Malformed, match="too"):
        for _ in range(bytes_max // len(more) + 2):
            assert list(reader.feed(more)) == []


def test_content_is_passed_on_as_it_comes() -> None:
    """None of it is kept but what may be a boundary."""
    reader = Multipart("b")
    list(reader.feed(b"--b\r\n\r\n"))
    for _ in range(100):
        passed = b"".join(one for one in reader.feed(b"x" * 10_000) if isinstance(one, bytes))
        assert len(passed) >= 10_000 - len(b"\r\n\r\n--b")
