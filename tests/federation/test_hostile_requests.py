"""Requests that are to keep this server busy, signed or not: each is bounded before it is read."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from impl.core import canonical_json, json_bounds
from impl.services import forgeries
from impl.web import server_authentication
from impl.web.application import Application
from tests.builders import a_room, append, member
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock, MadeUpServer, a_key
from tests.federation.signed_requests import US, ask, header, put, site

BOMBS = {
    "lists": b'{"a":[' + b"[]," * 4_000_000 + b"[]]}",
    "nested": b'{"a":[' + b'{"":{}},' * 1_500_000 + b"0]}",
    "numbers": b'{"a":[' + b"0," * 6_000_000 + b"0]}",
    "names": b"{" + b",".join(b'"%d":0' % number for number in range(1_200_000)) + b"}",
    "strings": b'{"a":[' + b'"",' * 4_000_000 + b'""]}',
    "deep": b'{"a":' + b"[" * 6_000_000 + b"]" * 6_000_000 + b"}",
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(new_server: Callable[..., Server], clock: Clock) -> App:
    return new_server(US, clock).app


@pytest.fixture
def wsgi(app: App) -> Application:
    return site(app, holds_events=True)


@pytest.fixture
def evil(network: Network, clock: Clock) -> MadeUpServer:
    return MadeUpServer(network, "evil.test", clock)


def forged_in_the_name_of(server: MadeUpServer) -> str:
    """By another key that is called as the server's is."""
    other = a_key("somebody", "one")
    forged = header(server.name, other, "PUT", content=b"{}")
    return forged.replace(other.key_id, server.key.key_id)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_who_shows_no_signature_has_little_read(
    wsgi: Application, evil: MadeUpServer, bomb: bytes
) -> None:
    """Anybody can know the name of a server and of its key."""
    assert ask(wsgi, header(evil.name, evil.key))[0] == 200  # Its key is known by now.
    forged = forged_in_the_name_of(evil)
    began = time.process_time()
    for body in (bomb, b" " + bomb):
        assert ask(wsgi, forged, "PUT", body=body)[0] == 413
    # To read it takes ten times as long, and to write it anew once more.
    assert time.process_time() - began < 1.0


def test_nobody_has_many_bodies_read_that_they_have_not_signed(
    wsgi: Application, evil: MadeUpServer, clock: Clock
) -> None:
    """Not many of a size that is read."""
    assert ask(wsgi, header(evil.name, evil.key))[0] == 200
    forged = forged_in_the_name_of(evil)
    body = {"pdus": [{"content": {"body": "x", "number": number}} for number in range(10_000)]}
    raw = json.dumps(body).encode()
    found = [ask(wsgi, forged, "PUT", body=raw)[0] for _ in range(30)]
    assert found == [401] * int(forgeries.OF_ADDRESS.burst_count) + [429] * 25
    # Who has signed is read as ever where it is canonical, and what is small is read too.
    canonical = canonical_json.encode(body)
    signed = header(evil.name, evil.key, "PUT", content=canonical)
    assert ask(wsgi, signed, "PUT", body=canonical)[0] == 200
    assert put(wsgi, evil, json.dumps({"pdus": body["pdus"][:50]}).encode())[0] == 200
    # Others read on, and after a while all do: what is signed counts for nothing.
    assert put(wsgi, evil, raw)[0] == 429
    assert put(wsgi, evil, raw, address="192.0.2.2")[0] == 200
    clock.ms += 60_000
    for _ in range(20):
        assert put(wsgi, evil, raw)[0] == 200


def test_many_addresses_have_no_more_read_than_so_many(
    wsgi: Application, evil: MadeUpServer
) -> None:
    assert ask(wsgi, header(evil.name, evil.key))[0] == 200
    forged = forged_in_the_name_of(evil)
    raw = b'{ "a":[' + b"0," * 10_000 + b"0]}"
    found = [
        ask(wsgi, forged, "PUT", body=raw, address=f"192.0.2.{number}")[0] for number in range(30)
    ]
    assert found.count(401) == forgeries.OF_ALL.burst_count and found[-1] == 429


def are_in_a_room(app: App, *servers: MadeUpServer) -> None:
    room_id = a_room(app)
    for server in servers:
        append(app, room_id, member(f"@user:{server.name}", "join"))


FORGED = b'{ "a":[' + b"0," * 10_000 + b"0]}"


def test_who_shares_a_room_is_read_whatever_others_forge_elsewhere(
    app: App, wsgi: Application, network: Network, evil: MadeUpServer, clock: Clock
) -> None:
    """In its own name, too."""
    honest = MadeUpServer(network, "honest.test", clock)
    are_in_a_room(app, honest)
    for server in (honest, evil):
        assert ask(wsgi, header(server.name, server.key))[0] == 200
    forged = [forged_in_the_name_of(server) for server in (honest, evil)]
    found = []
    for number in range(60):
        clock.ms += 20
        address = f"192.0.2.{number % 8 + 10}"
        found.append(ask(wsgi, forged[number % 2], "PUT", body=FORGED, address=address)[0])
        assert put(wsgi, honest, FORGED)[0] == 200
    assert set(found) == {401, 429}
    # Where nobody knows it to be it is one of all.
    assert put(wsgi, honest, FORGED, address="192.0.2.99")[0] == 429


def test_behind_one_address_others_are_read_too(
    app: App, wsgi: Application, network: Network, evil: MadeUpServer, clock: Clock
) -> None:
    honest, other = (MadeUpServer(network, f"{name}.test", clock) for name in ("honest", "other"))
    are_in_a_room(app, honest, other)
    for server in (honest, other, evil):
        assert ask(wsgi, header(server.name, server.key))[0] == 200
    for server in (evil, other):
        found = [ask(wsgi, forged_in_the_name_of(server), "PUT", body=FORGED)[0] for _ in range(9)]
        assert found == [401] * 5 + [429] * 4
        assert put(wsgi, server, FORGED)[0] == 429
    assert put(wsgi, honest, FORGED)[0] == 200


def test_neighbours_have_no_more_read_than_so_many(
    app: App, wsgi: Application, network: Network, clock: Clock
) -> None:
    evil = [MadeUpServer(network, f"evil{number}.test", clock) for number in range(6)]
    are_in_a_room(app, *evil)
    found = []
    for server in evil:
        assert ask(wsgi, header(server.name, server.key))[0] == 200
        forged = forged_in_the_name_of(server)
        found += [ask(wsgi, forged, "PUT", body=FORGED)[0] for _ in range(5)]
    assert found.count(401) == forgeries.OF_NEIGHBOURS.burst_count and found[-1] == 429


def test_who_shares_a_room_may_send_more_that_is_not_canonical(
    app: App, wsgi: Application, network: Network, evil: MadeUpServer, clock: Clock
) -> None:
    honest = MadeUpServer(network, "honest.test", clock)
    are_in_a_room(app, honest)
    raw = b'{ "a":[' + b"0," * (server_authentication.VALUES_MAX_OF_NEIGHBOURS - 3) + b"0]}"
    assert put(wsgi, honest, raw)[0] == 200
    assert put(wsgi, honest, raw.replace(b"[0,", b"[0,0,0,0,0,"))[0] == 413
    assert put(wsgi, evil, raw)[0] == 413


def test_what_is_too_large_to_be_read_counts_for_nothing(
    wsgi: Application, evil: MadeUpServer
) -> None:
    for _ in range(20):
        assert put(wsgi, evil, b'{ "a":[' + b"0," * 60_000 + b"0]}")[0] == 413
    assert put(wsgi, evil, FORGED)[0] == 200


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_who_does_is_not_read_without_end_either(
    wsgi: Application, evil: MadeUpServer, bomb: bytes
) -> None:
    signed = header(evil.name, evil.key, "PUT", content=bomb)
    assert ask(wsgi, signed, "PUT", body=bomb)[0] == 413


def test_what_is_large_and_not_dense_is_read(wsgi: Application, evil: MadeUpServer) -> None:
    body = {"pdus": [{"content": {"body": 'a, [b], {"c"} \\ ' * 3_000}}] * 100}
    status, answer = put(wsgi, evil, json.dumps(body).encode())
    assert (status, answer["body"] == body) == (200, True)
    raw = canonical_json.encode(body)
    assert raw.count(b",") > server_authentication.VALUES_MAX_OF_ANYBODY
    assert ask(wsgi, header(evil.name, evil.key, "PUT", content=raw), "PUT", body=raw)[0] == 200


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b'\\"' * 6_000_000,
        b'"' + b'\\"' * 6_000_000 + b"\\",
        b'"' * 13_000_000,
        b"\\" * 10**7,
    ],
)
def test_to_count_takes_no_longer_for_what_is_no_json(text: bytes) -> None:
    began = time.process_time()
    json_bounds.has_more_values(text, 1)
    json_bounds.has_more_values(text + b"," * 2_000_000, 1_000_000)
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ([], 1),
        ([[]], 2),
        ({"a": [1, 2, {}]}, 5),
        ({"a": ',,,[[["{', 'b,"': "\\"}, 3),
        ({'\\",': 'x\\\\",', "y": '",'}, 3),
    ],
)
def test_values_are_counted_outside_of_strings(value: Any, count: int) -> None:
    text = json.dumps(value, separators=(",", ":")).encode()
    found = next(number for number in range(100) if not json_bounds.has_more_values(text, number))
    # An empty list or object counts twice; strings with quotes may be taken for more.
    assert count <= found <= count + 3
