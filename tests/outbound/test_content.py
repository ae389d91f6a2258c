"""Files of other servers: what is asked, and what comes of the answer."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.core import request_auth
from impl.outbound.failures import BadAnswer, Refused, Unreachable
from impl.outbound.federation import FederationClient
from impl.outbound.wire import Sink, WireResponse
from impl.received_file import ReceivedFile
from tests.outbound.media_site import (
    ABOUT,
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


@pytest.mark.parametrize("is_begun", [False, True])
def test_whose_answer_stops_is_there(
    client: FederationClient, site: Site, fetch: Callable[..., bytes], is_begun: bool
) -> None:
    noted: list[Any] = []
    client.note = lambda destination, failure: noted.append(failure)

    def download(destination: str, target: str, *, sink: Sink, **options: Any) -> WireResponse:
        if is_begun:
            sink.begin({"content-type": MIXED})
            sink.write(b"--b_1\r\n")
        raise Unreachable(destination, "its answer ends early")

    site.download = download  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        fetch()
    assert [failure is None for failure in noted] == [is_begun]


def test_who_is_left_alone_is_not_asked(
    client: FederationClient, site: Site, fetch: Callable[..., bytes]
) -> None:
    def check(destination: str) -> None:
        raise Unreachable(destination, "not yet")

    client.check_worth = check
    with pytest.raises(Unreachable, match="not yet"):
        fetch()
    assert site.asked == []
