"""api-specs/server-server/keys_query.yaml. S-S API, "Querying Keys Through Another Server"."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.config.server_keys import TrustedKeyServer
from impl.core import server_keys as documents
from impl.core import signing
from impl.core.room_version import ROOM_VERSIONS
from impl.core.unpadded_base64 import encode_base64
from impl.services import key_notary, server_keys
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import DAY_MS, Clock, MadeUpServer

PATH = "/_matrix/key/v2/query"
V12 = ROOM_VERSIONS["12"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def other(network: Network, clock: Clock) -> MadeUpServer:
    return MadeUpServer(network, "other.test", clock)


@pytest.fixture
def notary(new_server: Callable[..., Server], clock: Clock) -> Server:
    return new_server("notary.test", clock)


def get(notary: Server, server_name: str, **query: int) -> list[dict[str, Any]]:
    answer = notary.api.get(f"{PATH}/{server_name}", query=query)
    assert answer.status == 200, answer
    return answer.json["server_keys"]


def post(notary: Server, **wanted: Any) -> list[dict[str, Any]]:
    names = {name.replace("_", "."): keys for name, keys in wanted.items()}
    answer = notary.api.post(PATH, {"server_keys": names})
    assert answer.status == 200, answer
    return answer.json["server_keys"]


def test_what_a_server_says_is_told_with_both_signatures(
    notary: Server, other: MadeUpServer, clock: Clock
) -> None:
    for found in (get(notary, other.name), post(notary, other_test={})):
        (document,) = found
        key = notary.app.signing_key
        signing.verify_json(document, notary.name, key.key_id, key.verify_key)
        assert documents.read(document, clock.ms).value == other.document()
    # Servers of old name the key that they want.
    for end in ("/", f"/{other.key.key_id}"):
        assert get(notary, other.name + end) == [document]
    assert other.asked == 1


def test_a_server_that_was_never_reached_is_not_there(notary: Server, other: MadeUpServer) -> None:
    other.is_down = True
    assert get(notary, other.name) == []
    assert post(notary, other_test={other.key.key_id: {}}) == []
    for name in ("nobody.test", "no%20name", "a%00b"):
        assert notary.api.get(f"{PATH}/{name}").status in (200, 400)
    assert post(notary) == []


def test_what_it_said_last_is_told_when_it_is_gone(
    notary: Server, other: MadeUpServer, clock: Clock
) -> None:
    get(notary, other.name)
    other.is_down = True
    clock.ms += 30 * DAY_MS
    (document,) = get(notary, other.name)
    assert document["valid_until_ts"] < clock.ms
    assert other.asked == 2


def test_an_answer_is_good_for_half_of_its_time(
    notary: Server, other: MadeUpServer, clock: Clock
) -> None:
    (first,) = get(notary, other.name)
    clock.ms += DAY_MS // 2
    assert get(notary, other.name) == [first]
    clock.ms += 1
    (second,) = get(notary, other.name)
    assert second["valid_until_ts"] == clock.ms + DAY_MS
    assert other.asked == 2


def test_whoever_says_what_is_enough_gets_that(
    notary: Server, other: MadeUpServer, clock: Clock
) -> None:
    (first,) = get(notary, other.name)
    until_ts = first["valid_until_ts"]
    clock.ms += DAY_MS - 1
    enough = {other.key.key_id: {"minimum_valid_until_ts": until_ts}}
    assert get(notary, other.name, minimum_valid_until_ts=until_ts) == [first]
    assert post(notary, other_test=enough) == [first]
    assert other.asked == 1
    more = {other.key.key_id: {"minimum_valid_until_ts": until_ts + 1}}
    (second,) = post(notary, other_test=more)
    assert second["valid_until_ts"] > until_ts
    clock.ms += 60_000
    more_still = second["valid_until_ts"] + 1
    (third,) = get(notary, other.name, minimum_valid_until_ts=more_still)
    assert third["valid_until_ts"] >= more_still
    assert other.asked == 3


def test_a_key_that_is_in_no_answer_is_asked_for(
    notary: Server, other: MadeUpServer, clock: Clock
) -> None:
    get(notary, other.name)
    clock.ms += 60_000
    first = other.key.key_id
    other.rotate("two")
    other.old_keys.clear()
    found = post(notary, other_test={other.key.key_id: {"minimum_valid_until_ts": 0}})
    # The older answer has a key that the newer one says nothing of.
    assert [list(one["verify_keys"]) for one in found] == [[other.key.key_id], [first]]
    post(notary, other_test={first: {"minimum_valid_until_ts": 0}})
    assert other.asked == 2


def test_our_own_keys_are_told_too(notary: Server) -> None:
    own = notary.api.get("/_matrix/key/v2/server").json
    assert get(notary, notary.name) == [own]
    assert post(notary, notary_test={"ed25519:x": {}}) == [own]


def test_a_notary_may_sign_with_keys_of_its_own(
    new_server: Callable[..., Server], other: MadeUpServer, clock: Clock
) -> None:
    keys = [signing.new_signing_key(bytes([seed]) * 32, f"notary_{seed}") for seed in (1, 2)]
    notary = new_server("notary.test", clock, key_server_signing_keys=tuple(keys))
    (document,) = get(notary, other.name)
    assert document["signatures"]["notary.test"].keys() == {key.key_id for key in keys}
    for key in keys:
        signing.verify_json(document, "notary.test", key.key_id, key.verify_key)


def test_a_server_on_no_list_is_not_asked(
    new_server: Callable[..., Server], other: MadeUpServer, clock: Clock
) -> None:
    notary = new_server("notary.test", clock, federation_domain_whitelist=frozenset())
    assert get(notary, other.name) == []
    assert other.asked == 0


def test_who_is_slow_is_not_waited_for(
    notary: Server,
    other: MadeUpServer,
    network: Network,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Time enough for who answers at once.
    monkeypatch.setattr(key_notary, "FETCH_S", 1.0)
    third = MadeUpServer(network, "third.test", clock)
    gate = network.hold(notary.name, other.name)
    found = post(notary, other_test={}, third_test={})
    assert [one["server_name"] for one in found] == [third.name]
    # It goes on, for those who come later.
    gate.open()
    with gevent.Timeout(10):
        while not get(notary, other.name):
            gevent.sleep(0.001)
    assert other.asked == 1


def test_strangers_cannot_make_us_ask_more_servers_than_so_many(
    notary: Server, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_notary, "FETCHED_MAX", 7)
    post(notary, **{f"s{number}_test": {} for number in range(50)})
    assert len(network.sent) == 7


def test_not_all_are_asked_at_once(
    new_server: Callable[..., Server],
    network: Network,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_notary, "FETCHES_AT_ONCE", 3)
    notary = new_server("notary.test", clock)
    gates = []
    for number in range(10):
        MadeUpServer(network, f"s{number}.test", clock)
        gates.append(network.hold(notary.name, f"s{number}.test"))
    asking = gevent.spawn(post, notary, **{f"s{number}_test": {} for number in range(10)})
    with gevent.Timeout(10):
        while sum(len(gate.waiting) for gate in gates) < 3:
            gevent.sleep(0.001)
    gevent.sleep(0.02)
    assert sum(len(gate.waiting) for gate in gates) == 3
    for gate in gates:
        gate.open()
    assert len(asking.get(timeout=10)) == 10


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_BAD_JSON"),
        ({"server_keys": []}, "M_BAD_JSON"),
        ({"server_keys": {"a.test": []}}, "M_BAD_JSON"),
        ({"server_keys": {"a.test": {"ed25519:1": {"minimum_valid_until_ts": "x"}}}}, "M_BAD_JSON"),
        ({"server_keys": {f"s{number}.test": {} for number in range(1001)}}, "M_INVALID_PARAM"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    notary: Server, network: Network, body: Any, errcode: str
) -> None:
    answer = notary.api.post(PATH, body)
    assert (answer.status, answer.errcode) == (400, errcode)
    assert network.sent == []


def test_a_server_of_ours_believes_another_as_its_notary(
    new_server: Callable[..., Server], notary: Server, other: MadeUpServer, clock: Clock
) -> None:
    get(notary, other.name)
    key = notary.app.signing_key
    trusted = TrustedKeyServer(notary.name, {key.key_id: encode_base64(key.verify_key)})
    us = new_server("soma.test", clock, trusted_key_servers=(trusted,))
    other.is_down = True
    pdus = [other.event(V12), notary_event(notary, clock)]
    assert server_keys.check_event_signatures(us.app, pdus, V12) == [None, None]


def notary_event(notary: Server, clock: Clock) -> dict[str, Any]:
    made_up = MadeUpServer(Network(), notary.name, clock)
    return made_up.event(V12, notary.app.signing_key)
