"""Files of servers that mean harm, or are broken as if they did."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impl.outbound.content import NotStored
from impl.outbound.failures import BadAnswer
from impl.outbound.federation import FederationClient
from impl.outbound.wire import WireResponse
from impl.received_file import FileTooLarge, ReceivedFile
from tests.outbound.media_site import (
    ABOUT,
    BYTES_MAX,
    FILE,
    MIXED,
    NEW,
    OLD,
    Site,
    error,
    file_part,
    parts,
    plain,
)

BAD: dict[str, WireResponse] = {
    "no multipart": plain(),
    "no type at all": WireResponse(200, {}, b"--b_1\r\n"),
    "another multipart": WireResponse(
        200, {"content-type": "multipart/related; boundary=b_1"}, parts(ABOUT, file_part()).body
    ),
    "no boundary": WireResponse(200, {"content-type": "multipart/mixed"}, b"--\r\n\r\n{}\r\n----"),
    "a long boundary": parts(ABOUT, file_part(), boundary="x" * 71),
    "another boundary": WireResponse(
        200, {"content-type": MIXED}, parts(ABOUT, file_part(), boundary="c").body
    ),
    "no end": parts(ABOUT, file_part(), end=b""),
    "an end in the file": WireResponse(
        200, {"content-type": MIXED}, parts(ABOUT, file_part()).body[:-3_000]
    ),
    "nothing": WireResponse(200, {"content-type": MIXED}, b""),
    "no content": WireResponse(204, {}, b""),
    "no parts": parts(),
    "one part": parts(ABOUT),
    "three parts": parts(ABOUT, file_part(), file_part()),
    "much about the file": parts((ABOUT[0], b" " * 70_000), file_part()),
    "much beside a location": parts(ABOUT, ("Location: https://cdn.example/", b" " * 70_000)),
    "long headers": parts(ABOUT, file_part(more="\r\nX: " + "y" * 20_000)),
    "many headers": parts(ABOUT, file_part(more="\r\nX: y" * 5_000)),
    "no headers": parts(ABOUT, ("what is this", FILE)),
    "a redirection": WireResponse(302, {"location": "https://cdn.example/"}, b""),
    "much before": WireResponse(
        200, {"content-type": MIXED}, b" " * 70_000 + parts(ABOUT, file_part()).body
    ),
    "much after": parts(ABOUT, file_part(), end=b"--" + b" " * 70_000),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_what_is_no_file_is_none(
    client: FederationClient, site: Site, fetch: Callable[..., bytes], answer: WireResponse
) -> None:
    noted: list[Any] = []
    client.note = lambda destination, failure: noted.append(failure)
    site.answers[NEW] = answer
    with pytest.raises(BadAnswer, match="it answers with no file"):
        fetch()
    # Who answers nonsense answers.
    assert noted == [None]
    assert len(site.asked) == 1


def test_a_file_in_a_file_is_one_file(site: Site, fetch: Callable[..., bytes]) -> None:
    inner = parts(ABOUT, file_part(), boundary="inner").body
    site.answers[NEW] = parts(ABOUT, file_part(inner, kind="multipart/mixed; boundary=inner"))
    assert fetch() == inner


HUGE = b"x" * (BYTES_MAX + 1)
ELSEWHERE = parts(ABOUT, ("Location: https://cdn.example/", b""))


@pytest.mark.parametrize(
    "answers",
    [
        {NEW: parts(ABOUT, file_part(HUGE))},
        {NEW: error(404, "M_UNRECOGNIZED"), OLD: plain(HUGE)},
        {NEW: ELSEWHERE, "https://cdn.example/": plain(HUGE)},
    ],
    ids=["in parts", "as to a client", "elsewhere"],
)
def test_a_file_that_is_too_large_is_not_taken(
    site: Site, received: ReceivedFile, fetch: Callable[..., bytes], answers: Mapping[str, Any]
) -> None:
    site.answers |= answers
    with pytest.raises(FileTooLarge):
        fetch()
    assert received.path.stat().st_size <= BYTES_MAX

    # It is not even begun with, where its length is told.
    last = [*answers][-1]
    told = {**site.answers[last].headers, "content-length": str(10**12)}  # type: ignore[union-attr]
    site.answers[last] = WireResponse(200, told, b"")
    with pytest.raises(FileTooLarge):
        fetch()


def test_a_file_of_just_the_size_is_taken(site: Site, fetch: Callable[..., bytes]) -> None:
    made = parts(ABOUT, file_part(HUGE[1:]))
    length = str(len(made.body))
    site.answers[NEW] = WireResponse(200, {**made.headers, "content-length": length}, made.body)
    assert fetch() == HUGE[1:]


def test_who_waits_for_it_is_asked_first(site: Site, fetch: Callable[..., bytes]) -> None:
    class TooMuch(Exception):
        pass

    def expect(size: int) -> None:
        if size > 10:
            raise TooMuch

    made = parts(ABOUT, file_part())
    site.answers[NEW] = WireResponse(200, {**made.headers, "content-length": "11"}, made.body)
    with pytest.raises(TooMuch):
        fetch(expect=expect)


def test_a_full_disk_is_nobodys_fault_but_ours(
    client: FederationClient,
    site: Site,
    received: ReceivedFile,
    fetch: Callable[..., bytes],
) -> None:
    noted: list[Any] = []
    client.note = lambda destination, failure: noted.append(failure)
    site.answers[NEW] = parts(ABOUT, file_part())
    with open("/dev/full", "wb", buffering=0) as full:
        received._file.close()
        received._file = full  # type: ignore[assignment]
        with pytest.raises(NotStored, match="No space"):
            fetch()
    assert not any(noted)


# What an answer may be made of.
_PIECES = st.sampled_from(
    [
        b"--b_1",
        b"--b_1--",
        b"\r\n",
        b"\r\n\r\n",
        b"{}",
        b"Content-Type: text/plain",
        b"Content-Disposition: inline; filename*=utf-8''%E6",
        b"Location: https://cdn.example/x",
        b"Location: \xff",
        b":",
        b"\0\xff",
        b"x" * 5_000,
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_PIECES, max_size=20).map(b"".join))
def test_whatever_is_answered_ends_well(
    client: FederationClient, site: Site, tmp_path: Path, body: bytes
) -> None:
    """With a file, or with no file."""
    site.answers[NEW] = WireResponse(200, {"content-type": MIXED}, body)
    site.answers["https:"] = plain()
    with ReceivedFile(tmp_path, BYTES_MAX) as received:
        try:
            client.get_content("b.example", "id", 0, received)
        except (BadAnswer, FileTooLarge):
            return
        assert received.content_type is not None
        assert received.size <= BYTES_MAX
