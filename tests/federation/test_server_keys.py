"""Keys of other servers, as events need them: from the servers, by notaries, for as long as they
are good. S-S API, "Retrieving server keys"; Rooms, "Signing key validity period".
"""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.config.server_keys import OldSigningKey
from impl.core import signing
from impl.core.room_version import ROOM_VERSIONS
from impl.services import server_keys
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import DAY_MS, Clock, MadeUpServer, a_key

V4, V5, V12 = ROOM_VERSIONS["4"], ROOM_VERSIONS["5"], ROOM_VERSIONS["12"]
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
def us(new_server: Callable[..., Server], clock: Clock) -> Server:
    return new_server(US, clock)


def faults(server: Server, *pdus: dict[str, Any], version: Any = V12) -> list[str | None]:
    return server_keys.check_event_signatures(server.app, list(pdus), version)


def fault(server: Server, pdu: dict[str, Any], version: Any = V12) -> str | None:
    return faults(server, pdu, version=version)[0]


def test_the_key_is_fetched_once(us: Server, other: MadeUpServer) -> None:
    assert faults(us, other.event(V12), other.event(V12, depth=2)) == [None, None]
    assert fault(us, other.event(V12, depth=3)) is None
    assert other.asked == 1


def test_all_workers_share_what_one_has_fetched(
    us: Server, other: MadeUpServer, new_server: Callable[..., Server], clock: Clock
) -> None:
    assert fault(us, other.event(V12)) is None
    second = new_server(US, clock, beside=us)
    other.is_down = True
    assert fault(second, other.event(V12)) is None
    assert other.asked == 1


def test_a_wrong_signature_is_told(us: Server, other: MadeUpServer) -> None:
    pdu = other.event(V12)
    assert "is wrong" in (fault(us, {**pdu, "depth": 7}) or "")
    by_another = other.event(V12, signing.new_signing_key(b"\x07" * 32, "one"))
    assert "is wrong" in (fault(us, by_another) or "")


def test_a_signature_of_another_server_is_none(
    us: Server, other: MadeUpServer, made_up: Callable[[str], MadeUpServer]
) -> None:
    third = made_up("third.test")
    pdu = third.event(V12, sender=f"@user:{other.name}")
    assert fault(us, pdu) == "other.test has not signed it"
    for signatures in (None, [], {other.name: []}, {other.name: {"rsa:1": "x"}}):
        assert fault(us, {**pdu, "signatures": signatures}) == "other.test has not signed it"


def test_one_good_signature_of_a_server_is_enough(us: Server, other: MadeUpServer) -> None:
    pdu = other.event(V12)
    pdu["signatures"][other.name] = {
        "ed25519:unheard_of": "AAAA",
        **pdu["signatures"][other.name],
    }
    assert fault(us, pdu) is None


def test_every_server_that_is_required_must_have_signed(
    us: Server, other: MadeUpServer, made_up: Callable[[str], MadeUpServer]
) -> None:
    third = made_up("third.test")
    content = {"membership": "join", "join_authorised_via_users_server": f"@x:{third.name}"}
    pdu = other.event(V12, type="m.room.member", content=content)
    assert fault(us, pdu) == "third.test has not signed it"
    pdu = signing.sign_event(pdu, V12, third.name, third.key)
    assert fault(us, pdu) is None


def test_an_old_key_is_good_for_what_was_signed_before_it_ended(
    us: Server, other: MadeUpServer, clock: Clock
) -> None:
    before = other.event(V12)
    clock.ms += 1000
    first = other.key
    other.rotate("two")
    assert fault(us, before) is None
    assert fault(us, other.event(V12)) is None
    late = other.event(V12, first, origin_server_ts=clock.ms + 1)
    assert "not known to have been good" in (fault(us, late) or "")
    # Until version 4 nobody asks.
    assert fault(us, other.event(V4, first, origin_server_ts=clock.ms + 1), V4) is None


def test_what_is_dated_after_the_validity_of_the_key_has_it_fetched_anew(
    us: Server, other: MadeUpServer, clock: Clock
) -> None:
    assert fault(us, other.event(V5), V5) is None
    clock.ms += DAY_MS
    assert fault(us, other.event(V5), V5) is None
    assert other.asked == 1
    clock.ms += 1
    assert fault(us, other.event(V5), V5) is None
    assert other.asked == 2
    clock.ms += 1
    other.is_down = True
    # What was signed while the key was known to be good stays good.
    assert fault(us, other.event(V5, origin_server_ts=clock.ms - DAY_MS), V5) is None
    assert other.asked == 2


def test_a_key_is_believed_in_for_a_week_at_most(
    us: Server, other: MadeUpServer, clock: Clock
) -> None:
    other.valid_for_ms = 1000 * DAY_MS
    ahead = other.event(V12, origin_server_ts=clock.ms + 7 * DAY_MS)
    assert fault(us, ahead) is None
    too_far = other.event(V12, origin_server_ts=clock.ms + 7 * DAY_MS + 1)
    assert "further ahead" in (fault(us, too_far) or "")
    assert fault(us, other.event(V4, origin_server_ts=2**53), V4) is None


def test_a_server_that_is_down_is_not_asked_for_each_of_its_events(
    us: Server, other: MadeUpServer, clock: Clock
) -> None:
    other.is_down = True
    pdus = [other.event(V12, depth=number) for number in range(50)]
    assert all("is not known" in (one or "") for one in faults(us, *pdus))
    assert other.asked == 1
    other.is_down = False
    assert fault(us, pdus[0]) is not None and other.asked == 1
    clock.ms += 600_000
    assert fault(us, pdus[0]) is None and other.asked == 2


def test_it_is_left_alone_for_longer_each_time(
    us: Server, other: MadeUpServer, clock: Clock
) -> None:
    other.is_down = True
    for _ in range(24 * 60):
        fault(us, other.event(V12))
        clock.ms += 60_000
    assert 4 <= other.asked <= 12


def test_a_key_that_its_server_does_not_know_is_not_asked_for_again_and_again(
    us: Server, other: MadeUpServer, clock: Clock
) -> None:
    pdu = other.event(V12, a_key(other.name, "never_published"))
    for _ in range(60):
        assert "is not known" in (fault(us, pdu) or "")
        clock.ms += 60_000
    # After a minute, then two, four and so on.
    assert other.asked == 6


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"server_name": "third.test"},
        {"signatures": {}},
        {"verify_keys": {}},
        {"valid_until_ts": "tomorrow"},
    ],
)
def test_a_document_that_is_none_is_not_believed(
    us: Server, other: MadeUpServer, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    wrong = {**other.document(), **answer} if answer else {}
    monkeypatch.setattr(other, "document", lambda: wrong)
    assert "is not known" in (fault(us, other.event(V12)) or "")


def test_a_server_speaks_for_itself_only(
    us: Server, other: MadeUpServer, made_up: Callable[[str], MadeUpServer]
) -> None:
    third = made_up("third.test")
    other.document = third.document  # type: ignore[method-assign]
    assert fault(us, other.event(V12)) is not None
    third.is_down = True
    assert fault(us, third.event(V12)) is not None


def test_who_asks_at_the_same_time_asks_once(
    us: Server, other: MadeUpServer, network: Network
) -> None:
    gate = network.hold(US, other.name)
    asking = [gevent.spawn(fault, us, other.event(V12, depth=number)) for number in range(10)]
    gate.wait()
    gevent.sleep(0)
    gate.open()
    gevent.joinall(asking, timeout=10, raise_error=True)
    assert [one.value for one in asking] == [None] * 10
    assert other.asked == 1


def test_our_own_events_are_checked_with_our_own_keys(
    new_server: Callable[..., Server], clock: Clock, network: Network
) -> None:
    old = signing.new_signing_key(b"\x05" * 32, "old")
    us = new_server(
        US, clock, old_signing_keys=(OldSigningKey(old.key_id, old.verify_key, clock.ms),)
    )
    as_other = MadeUpServer(network, US, clock)
    assert fault(us, as_other.event(V12, us.app.signing_key)) is None
    assert fault(us, as_other.event(V12, old)) is None
    clock.ms += 1
    assert "good at the time" in (fault(us, as_other.event(V12, old)) or "")
    assert "is not known" in (fault(us, as_other.event(V12)) or "")
    assert as_other.asked == 0


def test_servers_that_we_do_not_federate_with_are_not_asked(
    new_server: Callable[..., Server], other: MadeUpServer, clock: Clock
) -> None:
    us = new_server(US, clock, federation_domain_whitelist=frozenset({"third.test"}))
    assert fault(us, other.event(V12)) is not None
    assert other.asked == 0


def test_nobody_waits_for_keys_for_ever(us: Server, other: MadeUpServer, network: Network) -> None:
    gate = network.hold(US, other.name)
    found = server_keys.check_event_signatures(us.app, [other.event(V12)], V12, timeout_s=0.05)
    assert "is not known" in (found[0] or "")
    # It goes on, for those who come later.
    gate.open()
    assert fault(us, other.event(V12)) is None
    assert other.asked == 1
