"""What trusted notaries say of the keys of others. S-S API, "Retrieving server keys"."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.config.server_keys import TrustedKeyServer
from impl.core import signing
from impl.core.room_version import ROOM_VERSIONS
from impl.core.unpadded_base64 import encode_base64
from impl.services import server_keys
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import DAY_MS, Clock, MadeUpServer

V12 = ROOM_VERSIONS["12"]
US = "soma.test"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made_up(network: Network, clock: Clock) -> Callable[[str], MadeUpServer]:
    return lambda name: MadeUpServer(network, name, clock)


@pytest.fixture
def other(made_up: Callable[[str], MadeUpServer]) -> MadeUpServer:
    return made_up("other.test")


@pytest.fixture
def notary(made_up: Callable[[str], MadeUpServer]) -> MadeUpServer:
    return made_up("notary.test")


@pytest.fixture
def us_with_notary(new_server: Callable[..., Server], clock: Clock, notary: MadeUpServer) -> Server:
    """It trusts a notary, whose key it knows."""
    keys = {notary.key.key_id: encode_base64(notary.key.verify_key)}
    trusted = TrustedKeyServer(notary.name, keys)
    return new_server(US, clock, trusted_key_servers=(trusted,))


def faults(server: Server, *pdus: dict[str, Any]) -> list[str | None]:
    return server_keys.check_event_signatures(server.app, list(pdus), V12)


def fault(server: Server, pdu: dict[str, Any]) -> str | None:
    return faults(server, pdu)[0]


def test_a_notary_is_asked_where_the_server_is_down(
    us_with_notary: Server, other: MadeUpServer, notary: MadeUpServer, clock: Clock
) -> None:
    notary.knows(other)
    other.is_down = True
    assert fault(us_with_notary, other.event(V12)) is None
    wanted = {other.key.key_id: {"minimum_valid_until_ts": clock.ms}}
    assert notary.queries == [{other.name: wanted}]


def test_the_keys_of_many_servers_are_one_request_to_a_notary(
    us_with_notary: Server,
    notary: MadeUpServer,
    made_up: Callable[[str], MadeUpServer],
    network: Network,
) -> None:
    servers = [made_up(f"s{number}.test") for number in range(60)]
    notary.knows(*servers[:50])
    pdus = [one.event(V12, depth=depth) for one in servers for depth in range(3)]
    assert faults(us_with_notary, *pdus) == [None] * len(pdus)
    assert len(notary.queries) == 1 and len(notary.queries[0]) == 60
    # What it does not know, the servers themselves are asked.
    assert [one.asked for one in servers] == [0] * 50 + [1] * 10


def test_a_slow_server_does_not_keep_the_notary_waiting(
    us_with_notary: Server,
    other: MadeUpServer,
    notary: MadeUpServer,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("impl.services.server_key_sources.PATIENCE_S", 0.05)
    notary.knows(other)
    gate = network.hold(US, other.name)
    assert fault(us_with_notary, other.event(V12)) is None
    assert len(gate.waiting) == 1
    gate.open()


def lies(notary: MadeUpServer, other: MadeUpServer, third: MadeUpServer) -> list[Any]:
    """What a notary may say that is no good."""
    signed_by_none = {**other.document(), "signatures": {}}
    changed = {**other.document(), "valid_until_ts": other.now_ms() + 2 * DAY_MS}
    return [
        # It has not signed it itself.
        other.document(),
        # Nobody asked for it.
        notary.signed(third.document()),
        # The server has not signed it.
        notary.signed(signed_by_none),
        notary.signed(changed),
        None,
        "x",
        {},
        {"server_name": other.name},
    ]


def test_a_notary_that_lies_is_not_believed(
    us_with_notary: Server,
    other: MadeUpServer,
    notary: MadeUpServer,
    made_up: Callable[[str], MadeUpServer],
) -> None:
    other.is_down = True
    third = made_up("third.test")
    notary.documents = lies(notary, other, third)
    assert "is not known" in (fault(us_with_notary, other.event(V12)) or "")
    assert len(notary.queries) == 1
    third.is_down = True
    notary.documents = []
    assert "is not known" in (fault(us_with_notary, third.event(V12)) or "")


def test_a_notary_does_not_change_what_a_server_said_itself(
    us_with_notary: Server, other: MadeUpServer, notary: MadeUpServer, clock: Clock
) -> None:
    us = us_with_notary
    assert fault(us, other.event(V12)) is None
    forger = MadeUpServer(other._network, other.name, clock)
    forger.keys = [signing.new_signing_key(b"\x66" * 32, "one")]
    forger.is_down = True
    clock.ms += DAY_MS + 1
    notary.knows(forger)
    assert fault(us, forger.event(V12, forger.key)) is not None
    assert len(notary.queries) == 1
    # What was signed by the right key is as good as ever.
    signed_before = other.event(V12, other.key, origin_server_ts=clock.ms - DAY_MS)
    assert fault(us, signed_before) is None


def test_what_a_notary_says_that_is_older_changes_nothing(
    us_with_notary: Server, other: MadeUpServer, notary: MadeUpServer, clock: Clock
) -> None:
    us = us_with_notary
    notary.knows(other)
    clock.ms += DAY_MS // 2
    assert fault(us, other.event(V12)) is None
    until_ts = clock.ms + DAY_MS
    other.is_down = True
    beyond = other.event(V12, origin_server_ts=until_ts + 1)
    assert fault(us, beyond) is not None
    assert len(notary.queries) == 1
    assert fault(us, other.event(V12, origin_server_ts=until_ts)) is None


def test_a_notary_that_fails_is_left_alone_for_a_while(
    us_with_notary: Server,
    notary: MadeUpServer,
    made_up: Callable[[str], MadeUpServer],
    clock: Clock,
) -> None:
    notary.is_down = True
    servers = [made_up(f"s{number}.test") for number in range(10)]
    for server in servers:
        server.is_down = True
        assert fault(us_with_notary, server.event(V12)) is not None
    sent = us_with_notary.app.federation.wire._network.requests(US, notary.name)  # type: ignore
    assert len(sent) == 1


def test_a_notary_may_speak_of_servers_that_we_do_not_talk_to(
    new_server: Callable[..., Server], other: MadeUpServer, notary: MadeUpServer, clock: Clock
) -> None:
    notary.knows(other)
    us = new_server(
        US,
        clock,
        trusted_key_servers=(TrustedKeyServer(notary.name),),
        federation_domain_whitelist=frozenset({notary.name}),
    )
    assert fault(us, other.event(V12)) is None
    assert other.asked == 0


def test_nor_is_a_notary_asked_that_we_do_not_talk_to(
    new_server: Callable[..., Server], other: MadeUpServer, notary: MadeUpServer, clock: Clock
) -> None:
    notary.knows(other)
    us = new_server(
        US,
        clock,
        trusted_key_servers=(TrustedKeyServer(notary.name), TrustedKeyServer(US)),
        federation_domain_whitelist=frozenset({other.name, US}),
    )
    other.is_down = True
    assert fault(us, other.event(V12)) is not None
    assert notary.queries == []
