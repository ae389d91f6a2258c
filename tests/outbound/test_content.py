"""Files of other servers: what is asked, what comes of the answer, and of one that means harm."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from impl.core import request_auth, signing
from impl.outbound.content import NotStored
from impl.outbound.failures import BadAnswer, FederationFailure, Refused, Unreachable
from impl.outbound.federation import FederationClient
from impl.outbound.wire import Sink, WireResponse
from impl.received_file import FileTooLarge, ReceivedFile
from tests.federation.fake_wire import pour

KEY = signing.new_signing_key(b"\x07" * 32, "1")
BYTES_MAX = 100_000
FILE = b"\x89PNG\r\n" + b"\r\n--b" * 1_000

NEW, OLD = "/_matrix/federation/v1/media/download/", "/_matrix/media/v3/download/"


class Site:
    """A wire on which everybody answers as the test says: by the beginning of a path, or a URL."""

    def __init__(self) -> None:
        self.answers: dict[str, WireResponse | FederationFailure] = {}
        self.asked: list[dict[str, Any]] = []

    def download(self, destination: str, target: str, *, sink: Sink, **options: Any) -> Any:
        self.asked.append({"destination": destination, "target": target, **options})
        return self._answer(target, sink)

    def download_url(self, url: str, *, sink: Sink, **options: Any) -> Any:
        self.asked.append({"url": url, **options})
        return self._answer(url, sink)

    def _answer(self, target: str, sink: Sink) -> WireResponse:
        [answer] = [one for start, one in self.answers.items() if target.startswith(start)]
        if isinstance(answer, FederationFailure):
            raise answer
        return pour(answer, sink)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def received(tmp_path: Path) -> Iterator[ReceivedFile]:
    with ReceivedFile(tmp_path, BYTES_MAX) as received:
        yield received


@pytest.fixture
def client(site: Site) -> FederationClient:
    return FederationClient("a.example", KEY, site)  # type: ignore[arg-type]


@pytest.fixture
def fetch(client: FederationClient, received: ReceivedFile) -> Callable[..., bytes]:
    def make(**options: Any) -> bytes:
        client.get_content("b.example", "media_id", 20_000, received, **options)
        received.finish()
        return received.path.read_bytes()

    return make


def parts(*some: tuple[str, bytes], boundary: str = "b_1", end: bytes = b"--\r\n") -> WireResponse:
    """A body of these parts: headers and content of each."""
    delimiter = b"\r\n--" + boundary.encode()
    body = b"".join(delimiter + f"\r\n{head}\r\n\r\n".encode() + data for head, data in some)
    kind = f"multipart/mixed; boundary={boundary}"
    return WireResponse(200, {"content-type": kind}, body + delimiter + end)


ABOUT = ("Content-Type: application/json", b"{}")


def file_part(data: bytes = FILE, kind: str = "image/png", more: str = "") -> tuple[str, bytes]:
    return f"Content-Type: {kind}{more}", data


def error(status: int, errcode: str) -> WireResponse:
    return WireResponse(status, {}, json.dumps({"errcode": errcode}).encode())


def plain(data: bytes = FILE, **headers: str) -> WireResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return WireResponse(200, {"content-type": "image/gif", **given}, data)


# What is asked, and what comes of it.


def test_a_file_and_what_is_said_of_it(
    site: Site, received: ReceivedFile, fetch: Callable[..., bytes]
) -> None:
    name = "\r\nContent-Disposition: inline; filename*=utf-8''%E6%97%A5.png"
    site.answers[NEW] = parts(ABOUT, file_part(more=name))
    assert fetch() == FILE
    assert (received.content_type, received.file_name) == ("image/png", "日.png")

    [asked] = site.asked
    assert asked["target"] == f"{NEW}media_id?timeout_ms=20000"
    # The other waits so long by itself.
    assert asked["timeout_s"] > 20
    given = request_auth.parse(asked["headers"]["Authorization"])
    assert (given.origin, given.destination) == ("a.example", "b.example")


def test_what_others_say_otherwise_is_understood(
    site: Site, received: ReceivedFile, fetch: Callable[..., bytes]
) -> None:
    made = parts(("", b"{}"), ("content-type:text/plain", b"x"))
    body = made.body.removeprefix(b"\r\n")
    kind = 'Multipart/Mixed; charset=x; Boundary="b_1"'
    site.answers[NEW] = WireResponse(200, {"content-type": kind}, body)
    assert fetch() == b"x"
    assert (received.content_type, received.file_name) == ("text/plain", None)


def test_an_empty_file_is_one(site: Site, fetch: Callable[..., bytes]) -> None:
    site.answers[NEW] = parts(ABOUT, file_part(b""))
    assert fetch() == b""


@pytest.mark.parametrize("media_id", ["../../x", "a/b?c=d#e", "é\0"])
def test_a_name_stays_in_its_place(
    client: FederationClient, site: Site, received: ReceivedFile, media_id: str
) -> None:
    site.answers[NEW] = parts(ABOUT, file_part())
    client.get_content("b.example", media_id, 0, received)
    path = site.asked[0]["target"].removeprefix(NEW).partition("?")[0]
    assert not set(path) & set("/#\0")


# A file that is elsewhere.


def test_a_file_may_be_elsewhere(
    site: Site, received: ReceivedFile, fetch: Callable[..., bytes]
) -> None:
    url = "https://cdn.example/x?signature=y"
    site.answers[NEW] = parts(ABOUT, (f"Location: {url}\r\nContent-Type: text/html", b""))
    site.answers[url] = plain(content_disposition="attachment; filename=a.gif")
    assert fetch() == FILE
    assert (received.content_type, received.file_name) == ("image/gif", "a.gif")
    # Who serves that is nobody's homeserver.
    assert site.asked[1].keys() == {"url", "timeout_s", "bytes_max"}


@pytest.mark.parametrize(
    "answer",
    [
        error(404, "M_NOT_FOUND"),
        error(500, "M_UNKNOWN"),
        error(404, "M_UNRECOGNIZED"),
        Unreachable("cdn.example", "it is at an address that this server does not connect to"),
    ],
)
def test_what_is_wrong_elsewhere_is_no_failure_of_the_server_itself(
    client: FederationClient, site: Site, fetch: Callable[..., bytes], answer: Any
) -> None:
    noted: list[Any] = []
    client.note = lambda destination, failure: noted.append((destination, failure))
    site.answers[NEW] = parts(ABOUT, ("Location: https://cdn.example/", b""))
    site.answers["https://cdn.example/"] = answer
    with pytest.raises(BadAnswer, match="where it sends us") as caught:
        fetch()
    assert caught.value.destination == "b.example"
    assert noted == [("b.example", None)]
    assert len(site.asked) == 2


# One that does not know the operation.


@pytest.mark.parametrize(
    "answer",
    [
        error(404, "M_UNRECOGNIZED"),
        error(405, "M_UNRECOGNIZED"),
        error(400, "M_UNRECOGNIZED"),
        WireResponse(404, {}, b""),
        WireResponse(404, {}, b"404 page not found"),
    ],
)
def test_an_older_server_is_asked_as_a_client_would(
    site: Site, received: ReceivedFile, fetch: Callable[..., bytes], answer: WireResponse
) -> None:
    site.answers[NEW] = answer
    site.answers[OLD] = plain(content_disposition='inline; filename="\u00c3\u00a9.gif"')
    assert fetch() == FILE
    assert (received.content_type, received.file_name) == ("image/gif", "é.gif")
    asked = site.asked[1]
    path, _, query = asked["target"].partition("?")
    assert path == f"{OLD}b.example/media_id"
    # Else two servers could ask each other for ever.
    assert set(query.split("&")) == {
        "allow_remote=false",
        "timeout_ms=20000",
        "allow_redirect=true",
    }
    assert "Authorization" not in asked["headers"]


def test_an_older_server_may_send_us_elsewhere(site: Site, fetch: Callable[..., bytes]) -> None:
    site.answers[NEW] = error(404, "M_UNRECOGNIZED")
    site.answers[OLD] = WireResponse(307, {"location": "https://cdn.example/x"}, b"")
    site.answers["https://cdn.example/x"] = plain()
    assert fetch() == FILE


@pytest.mark.parametrize(
    ("status", "errcode"),
    [(404, "M_NOT_FOUND"), (403, "M_UNRECOGNIZED"), (500, "M_UNRECOGNIZED"), (400, "M_X")],
)
def test_who_knows_it_is_not_asked_twice(
    site: Site, fetch: Callable[..., bytes], status: int, errcode: str
) -> None:
    site.answers[NEW] = error(status, errcode)
    with pytest.raises(Refused):
        fetch()
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("answer", "is_away"),
    [
        (error(504, "M_NOT_YET_UPLOADED"), False),
        (error(502, "M_TOO_LARGE"), False),
        (error(404, "M_NOT_FOUND"), False),
        (error(502, "M_UNKNOWN"), True),
        (WireResponse(504, {}, b"<html>"), True),
    ],
)
def test_who_refuses_a_file_is_there(
    client: FederationClient,
    site: Site,
    fetch: Callable[..., bytes],
    answer: WireResponse,
    is_away: bool,
) -> None:
    noted: list[Any] = []
    client.note = lambda destination, failure: noted.append(failure)
    site.answers[NEW] = answer
    with pytest.raises(Refused):
        fetch()
    assert [failure is not None for failure in noted] == [is_away]


def test_who_is_left_alone_is_not_asked(
    client: FederationClient, site: Site, fetch: Callable[..., bytes]
) -> None:
    def check(destination: str) -> None:
        raise Unreachable(destination, "not yet")

    client.check_worth = check
    with pytest.raises(Unreachable, match="not yet"):
        fetch()
    assert site.asked == []


# What means harm, or is broken as if it did.

MIXED = "multipart/mixed; boundary=b_1"
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
