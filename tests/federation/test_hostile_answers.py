"""A server that is asked something for a client and answers as it likes: what the client is told is
an error of its own server's making, and nothing breaks over it.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from impl.outbound.wire import WireResponse
from impl.services.sending import reachability
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import MadeUpServer

CLIENT = "/_matrix/client/v3"
EVIL = "evil.test"
MALLORY = f"@mallory:{EVIL}"
ROOM = f"!room:{EVIL}"


class Hostile(MadeUpServer):
    """All that it says is what the test says."""

    says = WireResponse(200, {}, b"{}")

    def _answer(
        self, origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        if target.startswith("/_matrix/key/"):
            return super()._answer(origin, destination, method, target, body)
        return self.says


@pytest.fixture
def a(new_server: Callable[..., Server]) -> Server:
    server = new_server("a.test")
    reachability.watch(server.app)
    return server


@pytest.fixture
def evil(network: Network, a: Server) -> Hostile:
    return Hostile(network, EVIL, a.app.now_ms)


def questions(alice: User) -> list[Callable[[], Any]]:
    """What a client has its server ask another one."""
    room_id = rooms.create(alice)
    where, alias = quote(ROOM, safe=""), quote(f"#x:{EVIL}", safe="")
    return [
        lambda: alice.post(f"{CLIENT}/join/{where}?via={EVIL}", {}),
        lambda: alice.post(f"{CLIENT}/join/{alias}", {}),
        lambda: alice.post(f"{CLIENT}/knock/{where}?via={EVIL}", {}),
        lambda: rooms.act(alice, room_id, "invite", MALLORY),
        lambda: alice.get(f"{CLIENT}/directory/room/{alias}"),
        lambda: alice.get(f"{CLIENT}/profile/{quote(MALLORY)}"),
        lambda: alice.get(f"{CLIENT}/profile/{quote(MALLORY)}/displayname"),
        lambda: alice.get(f"{CLIENT}/publicRooms?server={EVIL}"),
        lambda: alice.post(f"{CLIENT}/publicRooms?server={EVIL}", {"filter": {"x": 1}}),
        lambda: alice.post(f"{CLIENT}/keys/query", {"device_keys": {MALLORY: []}}),
        lambda: alice.post(
            f"{CLIENT}/keys/claim", {"one_time_keys": {MALLORY: {"D": "signed_curve25519"}}}
        ),
    ]


def an_error(status: int, errcode: Any, error: Any, **more: Any) -> WireResponse:
    body = {"errcode": errcode, "error": error, **more}
    return WireResponse(status, {}, json.dumps(body).encode())


ERRORS = {
    "a token": an_error(401, "M_UNKNOWN_TOKEN", "gone", soft_logout=False),
    "a token, forbidden": an_error(403, "M_UNKNOWN_TOKEN", "gone", soft_logout=False),
    "an account": an_error(403, "M_USER_DEACTIVATED", "gone"),
    "NUL": an_error(500, "M_\0", "a\0b\r\nforged: line"),
    "NUL, refused": an_error(403, "M_\0", "a\0b\r\nforged: line"),
    "long": an_error(500, "M_" + "X" * 100_000, "y" * 1_000_000),
    "long, refused": an_error(418, "M_" + "X" * 100_000, "y" * 1_000_000),
    "types": an_error(404, {"a": 1}, ["x"]),
    "a status of its own": an_error(599, "M_FORBIDDEN", None),
    "no JSON": WireResponse(403, {}, b"\xff<html>" * 10_000),
}


@pytest.mark.parametrize("answer", ERRORS.values(), ids=list(ERRORS))
def test_its_errors_are_passed_on_as_no_more_than_that(
    alice: User, evil: Hostile, caplog: pytest.LogCaptureFixture, answer: WireResponse
) -> None:
    evil.says = answer
    for ask in questions(alice):
        told = ask()
        assert told.status in (200, 400, 403, 404, 418, 502), told.json
        assert len(told.body) < 8_192
        if told.status != 200:
            assert told.errcode not in ("M_UNKNOWN_TOKEN", "M_USER_DEACTIVATED")
            assert "soft_logout" not in told.json
            assert told.json["error"].isprintable()
    assert alice.get(f"{CLIENT}/account/whoami").status == 200
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []
    assert all(len(one.getMessage()) < 4_096 for one in caplog.records)


NONSENSE: list[Any] = [
    {},
    [],
    None,
    7,
    {"room_id": 7, "servers": {}, "chunk": {}, "event": [], "room_version": "11"},
    {"room_id": "!\0:x", "chunk": [None, {"room_id": "!x:y"}] * 1_000, "event": {"content": 1}},
    {"displayname": {"a": "\0"}, "avatar_url": 1, "device_keys": [], "one_time_keys": []},
    {"device_keys": {MALLORY: []}, "one_time_keys": {MALLORY: {"D": {"signed_curve25519:A": 1}}}},
    {"device_keys": {MALLORY: {"D": {"user_id": MALLORY}}}, "master_keys": {MALLORY: {"x": 1}}},
    {"room_version": "11", "event": {"type": "m.room.member", "content": {"membership": "join"}}},
    {"room_version": ["11"], "event": 1},
    {"room_id": ROOM, "servers": [f"{n}.{EVIL}" for n in range(100_000)]},
]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_no_answer(
    alice: User, evil: Hostile, caplog: pytest.LogCaptureFixture, nonsense: Any
) -> None:
    evil.says = WireResponse(200, {}, json.dumps(nonsense).encode())
    for ask in questions(alice):
        told = ask()
        assert told.status in (200, 400, 403, 404, 502), told.json
        # A profile may be as large as two events.
        assert len(told.body) < 140_000
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


def test_deep_and_broken_json_is_no_answer(alice: User, evil: Hostile) -> None:
    for body in (b"[" * 1_000_000, b'{"a":' * 100_000, b"\xff", b"", b'{"a":1e999}'):
        evil.says = WireResponse(200, {}, body)
        for ask in questions(alice):
            assert ask().status in (200, 502)
