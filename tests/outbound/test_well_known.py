"""`/.well-known/matrix/server`. S-S API, "Resolving server names", step 3."""

import gevent
import pytest

from impl.outbound import well_known as module
from impl.outbound.well_known import WellKnownClient
from tests.outbound.conftest import Clock
from tests.outbound.world import NOT_FOUND, Request, World, answer, says


def redirects(*locations: str, status: int = 302):
    """To one after another, and to the last for ever."""
    left = list(locations)

    def handle(connection, request: Request) -> None:
        location = left.pop(0) if len(left) > 1 else left[0]
        connection.sendall(answer(b"", status, Location=location))

    return handle


def test_what_a_host_delegates_to(world: World, well_known: WellKnownClient) -> None:
    server = world.well_known("a.test", b"b.test:443")
    assert well_known.get("a.test").server == "b.test:443"
    assert server.requests[0].method == "GET"
    assert server.requests[0].target == "/.well-known/matrix/server"
    assert server.requests[0].headers["host"] == "a.test"
    assert server.names == ["a.test"]


@pytest.mark.parametrize(
    "data",
    [
        NOT_FOUND,
        answer(b"<html>"),
        answer(b"{}"),
        answer(b"[]"),
        answer(b"null"),
        answer(b'{"m.server": 5}'),
        answer(b'{"m.server": ""}'),
        answer(b'{"m.server": "b.test:0"}'),
        answer(b'{"m.server": "b.test:99999"}'),
        answer(b'{"m.server": "b.test:x"}'),
        answer(b'{"m.server": "https://b.test"}'),
        answer(b'{"m.server": "b test"}'),
        answer(b'{"m.server": "[::x]"}'),
        answer(b'{"m.server": ".b.test"}'),
        answer(b"\xff\xfe"),
        answer(b"[" * 20_000),
        answer(b'{"m.server": "b.test"}', status=201),
        answer(b'{"m.server": "b.test"}', status=500),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{}",
        b"nonsense\r\n\r\n",
        answer(b'{"m.server": "b.test"}', Content_Encoding="gzip"),
    ],
)
def test_what_is_no_delegation_is_none(
    world: World, well_known: WellKnownClient, data: bytes
) -> None:
    def handle(connection, request: Request) -> None:
        connection.sendall(data)
        connection.close()

    world.well_known("a.test", handle)
    result = well_known.get("a.test")
    assert result.server is None
    assert result.reason


def test_a_host_that_is_not_there_delegates_nothing(
    world: World, well_known: WellKnownClient
) -> None:
    assert well_known.get("nowhere.test").server is None
    world.dns.add("closed.test", "A", "127.0.1.1")
    assert well_known.get("closed.test").server is None


def test_the_certificate_must_be_the_hosts(world: World, well_known: WellKnownClient) -> None:
    server = world.server(
        "other.test", handler=says(answer(b'{"m.server": "b.test"}')), port=world.https_port
    )
    world.dns.add("a.test", "A", server.address)
    result = well_known.get("a.test")
    assert result.server is None
    assert "certificate" in result.reason
    assert server.requests == []


# Redirects.


def test_redirects_are_followed(world: World, well_known: WellKnownClient) -> None:
    port = world.https_port
    world.well_known("a.test", redirects("/elsewhere?x=1", f"https://b.test:{port}/here"))
    last = world.well_known("b.test", b"c.test")
    assert well_known.get("a.test").server == "c.test"
    assert last.requests[0].target == "/here"
    assert last.requests[0].headers["host"] == f"b.test:{port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_is_one(
    world: World, well_known: WellKnownClient, status: int
) -> None:
    world.well_known("a.test", redirects("https://b.test/", status=status))
    world.well_known("b.test", b"c.test")
    assert well_known.get("a.test").server == "c.test"


def test_a_circle_ends_at_once(world: World, well_known: WellKnownClient) -> None:
    first = world.well_known("a.test", redirects("https://b.test/x"))
    world.well_known("b.test", redirects("https://a.test/.well-known/matrix/server"))
    result = well_known.get("a.test")
    assert result.server is None
    assert "circle" in result.reason
    assert len(first.requests) == 1


def test_endless_redirects_end(world: World, well_known: WellKnownClient) -> None:
    server = world.well_known("a.test", redirects(*(f"/{number}" for number in range(100))))
    assert "too often" in well_known.get("a.test").reason
    assert len(server.requests) == module.REDIRECTS_MAX + 1


@pytest.mark.parametrize(
    "location",
    [
        "http://b.test/",
        "ftp://b.test/",
        "file:///etc/passwd",
        "https://",
        "https://b.test:x/",
        "https://b.test:99999/",
        "https://[::1/",
        "https://b_c.test/",
        "//",
        "https://b.test/a b",
    ],
)
def test_other_redirects_are_not_followed(
    world: World, well_known: WellKnownClient, location: str
) -> None:
    other = world.well_known("b.test", b"c.test")
    world.well_known("a.test", redirects(location))
    assert well_known.get("a.test").server is None
    assert other.requests == []


def test_a_redirect_into_a_private_network_is_not_followed(
    world: World, well_known: WellKnownClient
) -> None:
    private = world.server(
        "127.0.0.9",
        handler=says(answer(b'{"m.server": "b.test"}')),
        address="127.0.0.9",
        port=world.https_port,
    )
    world.dns.add("inside.test", "A", "127.0.0.9")
    world.well_known("a.test", redirects("https://127.0.0.9/"))
    world.well_known("b.test", redirects("https://inside.test/"))
    for name in ("a.test", "b.test"):
        result = well_known.get(name)
        assert result.server is None
        assert "does not connect to" in result.reason
    assert private.connections == 0


# Too much, too slow.


def test_an_answer_that_is_too_large_is_none(world: World, well_known: WellKnownClient) -> None:
    body = b'{"m.server": "b.test", "x": "' + b"x" * module.BYTES_MAX + b'"}'
    world.well_known("a.test", says(answer(body)))
    assert "more than" in well_known.get("a.test").reason


def test_a_slow_answer_is_none(
    world: World, well_known: WellKnownClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FETCH_S_MAX", 0.3)

    def drip(connection, request: Request) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            gevent.sleep(0.01)

    world.well_known("a.test", drip)
    assert "no answer in" in well_known.get("a.test").reason


# How long it counts.


@pytest.mark.parametrize(
    ("headers", "ttl_s"),
    [
        ({}, 24 * 3600),
        ({"Cache-Control": "max-age=1000"}, 1000),
        ({"Cache-Control": 'public, Max-Age="1000"'}, 1000),
        ({"Cache-Control": "max-age=1000", "Age": "400"}, 600),
        ({"Cache-Control": "max-age=1"}, module.TTL_S_MIN),
        ({"Cache-Control": "no-store"}, module.TTL_S_MIN),
        ({"Cache-Control": "max-age=x"}, module.TTL_S_MIN),
        ({"Cache-Control": "max-age=9999999999"}, 48 * 3600),
        ({"Cache-Control": "max-age=" + "9" * 400}, module.TTL_S_MIN),
        (
            {
                "Date": "Mon, 05 Jan 2026 10:00:00 GMT",
                "Expires": "Mon, 05 Jan 2026 11:00:00 GMT",
            },
            3600,
        ),
        (
            {
                "Date": "Mon, 05 Jan 2026 10:00:00 GMT",
                "Expires": "Mon, 05 Jan 2026 11:00:00 GMT",
                "Cache-Control": "max-age=1000",
            },
            1000,
        ),
        ({"Expires": "0"}, module.TTL_S_MIN),
        ({"Expires": "yesterday", "Date": "today"}, module.TTL_S_MIN),
    ],
)
def test_it_counts_as_long_as_its_headers_say(
    world: World,
    well_known: WellKnownClient,
    clock: Clock,
    headers: dict[str, str],
    ttl_s: float,
) -> None:
    options = {name.replace("-", "_"): value for name, value in headers.items()}
    server = world.well_known("a.test", says(answer(b'{"m.server": "b.test"}', **options)))
    well_known.get("a.test")
    server.handler = says(answer(b'{"m.server": "c.test"}'))
    clock.now_s += ttl_s - 1
    assert well_known.get("a.test").server == "b.test"
    clock.now_s += 2
    assert well_known.get("a.test").server == "c.test"
    assert len(server.requests) == 2


def test_a_failure_is_asked_for_again_later_each_time_up_to_an_hour(
    world: World, well_known: WellKnownClient, clock: Clock
) -> None:
    server = world.well_known("a.test", says(NOT_FOUND))
    well_known.get("a.test")
    for ttl_s in (120, 240, 480, 960, 1920, 3600, 3600):
        asked = len(server.requests)
        clock.now_s += ttl_s - 1
        well_known.get("a.test")
        assert len(server.requests) == asked
        clock.now_s += 2
        well_known.get("a.test")
        assert len(server.requests) == asked + 1
    server.handler = says(answer(b'{"m.server": "b.test"}'))
    clock.now_s += 3601
    assert well_known.get("a.test").server == "b.test"


def test_what_was_said_counts_on_while_nobody_answers(
    world: World, well_known: WellKnownClient, clock: Clock
) -> None:
    server = world.well_known(
        "a.test", says(answer(b'{"m.server": "b.test"}', Cache_Control="max-age=1000"))
    )
    well_known.get("a.test")
    server.handler = says(answer(b"", 503))
    clock.now_s += 1001
    assert well_known.get("a.test").server == "b.test"
    # It is asked for again, and counts no longer than anything may.
    clock.now_s += 3601
    assert well_known.get("a.test").server == "b.test"
    assert len(server.requests) == 3
    clock.now_s += module.TTL_S_MAX
    assert well_known.get("a.test").server is None


def test_what_was_said_is_gone_when_somebody_says_so(
    world: World, well_known: WellKnownClient, clock: Clock
) -> None:
    server = world.well_known(
        "a.test", says(answer(b'{"m.server": "b.test"}', Cache_Control="max-age=1000"))
    )
    well_known.get("a.test")
    server.handler = says(NOT_FOUND)
    clock.now_s += 1001
    assert well_known.get("a.test").server is None


def test_it_is_asked_for_once_for_all_who_want_it(
    world: World, well_known: WellKnownClient
) -> None:
    server = world.well_known("a.test", b"b.test")
    jobs = [gevent.spawn(well_known.get, "a.test") for _ in range(20)]
    gevent.joinall(jobs, raise_error=True)
    assert {job.value.server for job in jobs} == {"b.test"}
    assert len(server.requests) == 1
