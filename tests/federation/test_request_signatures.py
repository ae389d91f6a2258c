"""Whose request is it? S-S API, "Request Authentication"."""

import io
import json
from collections.abc import Callable

import gevent
import pytest

from impl.app import App
from impl.config.server_keys import TrustedKeyServer
from impl.core import request_auth, signing
from impl.core.signing import SigningKey
from impl.services import strangers
from impl.services.known_server_keys import KnownKeys
from impl.storage import destinations
from impl.storage.destinations import Destination
from impl.web import request, server_authentication
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import DAY_MS, Clock, MadeUpServer
from tests.federation.signed_requests import PATH, US, Answer, ask, header, put, site
from tests.web.wsgi_call import call


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def other(network: Network, clock: Clock) -> MadeUpServer:
    return MadeUpServer(network, "other.test", clock)


@pytest.fixture
def us(new_server: Callable[..., Server], clock: Clock) -> App:
    return new_server(US, clock).app


def refused(answer: Answer) -> bool:
    return answer[0] == 401 and answer[1]["errcode"] == "M_UNAUTHORIZED"


def test_a_signed_request_is_its_origins(us: App, other: MadeUpServer) -> None:
    assert ask(site(us), header(other.name, other.key)) == (200, {"origin": other.name})
    assert put(site(us), other, b'{"a":1}') == (200, {"origin": other.name, "body": {"a": 1}})
    assert other.asked == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b' { "b" : [1, 2] ,\n"a": "\\u00e9" } ',
        '{"b":"é","a":1}'.encode(),
        b'{"a":{"c":1,"b":", \\": "}}',
        b'{"a": 1}',
        # Only events of old rooms hold such; Python writes it that way, and so they were signed.
        b'{"pdus": [{"content": {"a": 1e20, "b": 123456789012345678901234567890}}]}',
        b'{"pdus":[{"content":{"a":1e+20}}]}',
    ],
)
def test_the_signature_is_of_the_canonical_json_of_the_body(
    us: App, other: MadeUpServer, body: bytes
) -> None:
    status, answer = put(site(us, holds_events=True), other, body)
    assert (status, answer["body"]) == (200, json.loads(body))


def test_a_request_without_a_signature_is_refused(us: App) -> None:
    for authorization in ("", "Bearer x", "X-Matrix", 'X-Matrix origin="other.test",key="k"'):
        assert refused(ask(site(us), authorization))


def test_all_of_the_request_is_signed(us: App, other: MadeUpServer) -> None:
    wsgi = site(us)
    for changed in (
        header(other.name, other.key, "PUT"),
        header(other.name, other.key, target=PATH + "?x=1"),
        header(other.name, other.key, content=b"{}"),
    ):
        assert refused(ask(wsgi, changed))
    assert refused(put(wsgi, other, b'{"a":1}', {"a": 2}))
    assert refused(put(wsgi, other, b'{"a": 1}', {}))
    with_query = PATH + "?x=%21a%2F&y"
    assert ask(wsgi, header(other.name, other.key, target=with_query), target=with_query)[0] == 200


def test_what_is_for_another_server_is_refused(us: App, other: MadeUpServer) -> None:
    replayed = header(other.name, other.key, destination="third.test")
    assert refused(ask(site(us), replayed))
    # Nor is it enough to say that it was for us, or to sign it so and to say something else.
    assert refused(ask(site(us), replayed.replace("third.test", US)))
    assert refused(ask(site(us), header(other.name, other.key).replace(US, "third.test")))
    assert other.asked == 1


def test_a_server_of_old_names_no_destination(us: App, other: MadeUpServer) -> None:
    signed = header(other.name, other.key)
    assert ask(site(us), signed.replace(f',destination="{US}"', ""))[0] == 200
    elsewhere = header(other.name, other.key, destination="third.test")
    assert refused(ask(site(us), elsewhere.replace(',destination="third.test"', "")))


def test_a_key_of_another_server_is_none_of_the_origins(
    us: App, other: MadeUpServer, network: Network, clock: Clock
) -> None:
    third = MadeUpServer(network, "third.test", clock)
    third.keys = [signing.new_signing_key(b"\x03" * 32, "three")]
    assert refused(ask(site(us), header(other.name, third.key)))
    same_name = signing.new_signing_key(b"\x03" * 32, "one")
    assert refused(ask(site(us), header(other.name, same_name)))
    assert ask(site(us), header(third.name, third.key))[0] == 200


@pytest.mark.parametrize("origin", ["", "not a name", "other.test/x", US, US.upper(), "é.test"])
def test_an_origin_that_cannot_be_is_refused(us: App, origin: str) -> None:
    answer = ask(site(us), header(origin, us.signing_key))
    assert refused(answer)
    assert "origin is" in answer[1]["error"] or "no origin" in answer[1]["error"]


@pytest.mark.parametrize("key_id", ["ed25519:", "rsa:1", "x", "ed25519:" + "x" * 300])
def test_a_key_that_cannot_be_is_not_asked_for(us: App, other: MadeUpServer, key_id: str) -> None:
    assert refused(ask(site(us), header(other.name, SigningKey(key_id, other.key.key))))
    assert other.asked == 0


def test_a_signature_that_is_none_is_refused(us: App, other: MadeUpServer) -> None:
    for signature in ("AAAA", "!", "é"):
        written = request_auth.write(other.name, US, other.key.key_id, signature)
        assert refused(ask(site(us), written))


def test_several_headers_may_each_be_by_a_key_of_the_origin(us: App, other: MadeUpServer) -> None:
    good = header(other.name, other.key)
    unknown = header(other.name, signing.new_signing_key(b"\x03" * 32, "unheard_of"))
    wsgi = site(us)
    assert ask(wsgi, f"{unknown},{good}")[0] == 200
    assert ask(wsgi, f"{good}, {unknown}")[0] == 200
    assert refused(ask(wsgi, f"{unknown},{unknown}"))
    assert refused(ask(wsgi, f"{good},{good.replace(other.name, 'third.test')}"))


def test_a_key_that_has_ended_signs_no_requests(us: App, other: MadeUpServer, clock: Clock) -> None:
    first = other.key
    assert ask(site(us), header(other.name, first))[0] == 200
    clock.ms += 60_000
    other.rotate("two")
    assert ask(site(us), header(other.name, other.key))[0] == 200
    assert refused(ask(site(us), header(other.name, first)))
    # Until when it says that it ended does not matter.
    clock.ms -= 5
    assert refused(ask(site(us), header(other.name, first)))


def test_a_key_that_is_no_longer_valid_is_fetched_anew(
    us: App, other: MadeUpServer, clock: Clock
) -> None:
    other.valid_for_ms = 60_000
    assert ask(site(us), header(other.name, other.key))[0] == 200
    clock.ms += 60_001
    other.is_down = True
    assert refused(ask(site(us), header(other.name, other.key)))
    other.is_down = False
    clock.ms += 60_000
    assert ask(site(us), header(other.name, other.key))[0] == 200
    assert other.asked == 3


def test_a_key_is_renewed_before_it_ends(us: App, other: MadeUpServer, clock: Clock) -> None:
    wsgi = site(us)
    assert ask(wsgi, header(other.name, other.key))[0] == 200
    clock.ms += DAY_MS // 2 + 1
    for _ in range(3):
        assert ask(wsgi, header(other.name, other.key))[0] == 200
    with gevent.Timeout(10):
        while other.asked < 2:
            gevent.sleep(0.001)
        renewed = {(other.name, other.key.key_id): clock.ms + DAY_MS}
        while us.part(KnownKeys, KnownKeys).unmet(renewed):
            gevent.sleep(0.001)
    other.is_down = True
    clock.ms += DAY_MS
    assert ask(wsgi, header(other.name, other.key))[0] == 200
    assert other.asked == 2


def test_who_signs_with_keys_that_nobody_knows_makes_us_ask_once_a_minute(
    us: App, other: MadeUpServer, clock: Clock
) -> None:
    for number in range(20):
        unknown = signing.new_signing_key(b"\x03" * 32, f"k{number}")
        assert refused(ask(site(us), header(other.name, unknown)))
    assert other.asked == 1
    # The server itself is not shut out by that.
    assert ask(site(us), header(other.name, other.key))[0] == 200
    clock.ms += 61_000
    other.rotate("two")
    assert ask(site(us), header(other.name, other.key))[0] == 200


def test_nor_do_they_make_us_ask_the_notary_more_often(
    new_server: Callable[..., Server], other: MadeUpServer, network: Network, clock: Clock
) -> None:
    notary = MadeUpServer(network, "notary.test", clock)
    other.is_down = True
    us = new_server(US, clock, trusted_key_servers=(TrustedKeyServer(notary.name),)).app
    for number in range(20):
        unknown = signing.new_signing_key(b"\x03" * 32, f"k{number}")
        assert refused(ask(site(us), header(other.name, unknown)))
    assert (other.asked, len(notary.queries)) == (1, 1)


def test_not_all_that_say_they_are_somebody_are_looked_up_at_once(
    us: App, other: MadeUpServer, network: Network, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(strangers, "PLACES_MAX", 3)
    assert ask(site(us), header(other.name, other.key))[0] == 200
    asking, gates = [], []
    for number in range(3):
        slow = MadeUpServer(network, f"slow{number}.test", clock)
        gates.append(network.hold(US, slow.name))
        asking.append(gevent.spawn(ask, site(us), header(slow.name, slow.key)))
        gates[-1].wait()
    third = MadeUpServer(network, "third.test", clock)
    status, answer = ask(site(us), header(third.name, third.key))
    assert (status, answer["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    # Who is known is no stranger.
    assert ask(site(us), header(other.name, other.key))[0] == 200
    for gate in gates:
        gate.open()
    gevent.joinall(asking, timeout=10, raise_error=True)
    assert [one.value[0] for one in asking] == [200] * 3
    assert ask(site(us), header(third.name, third.key))[0] == 200


def test_the_key_may_come_from_a_notary(
    new_server: Callable[..., Server], other: MadeUpServer, network: Network, clock: Clock
) -> None:
    notary = MadeUpServer(network, "notary.test", clock)
    notary.knows(other)
    other.is_down = True
    us = new_server(US, clock, trusted_key_servers=(TrustedKeyServer(notary.name),)).app
    assert ask(site(us), header(other.name, other.key))[0] == 200
    assert other.asked == 1
    # What the server says itself counts: the notary is not asked for what it does not have.
    third = MadeUpServer(network, "third.test", clock)
    assert refused(ask(site(us), header(third.name, signing.new_signing_key(b"\x03" * 32, "x"))))
    assert len(notary.queries) == 1


def test_servers_that_are_not_on_the_list_are_forbidden(
    new_server: Callable[..., Server], other: MadeUpServer, network: Network, clock: Clock
) -> None:
    allowed = MadeUpServer(network, "third.test", clock)
    us = new_server(US, clock, federation_domain_whitelist=frozenset({allowed.name})).app
    status, answer = ask(site(us), header(other.name, other.key))
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
    assert other.asked == 0
    assert ask(site(us), header(allowed.name, allowed.key))[0] == 200


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"", "M_NOT_JSON"),
        (b"{", "M_NOT_JSON"),
        (b'{"a":"\xff"}', "M_NOT_JSON"),
        (b'{"a":"\\ud800"}', "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "M_BAD_JSON"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "M_BAD_JSON"),
        (b'{"a":"\\u0000"}', "M_BAD_JSON"),
        (b'{"a":9007199254740993}', "M_BAD_JSON"),
    ],
)
def test_a_body_that_cannot_be_taken_is_the_senders_fault(
    us: App, other: MadeUpServer, body: bytes, errcode: str
) -> None:
    signed = header(other.name, other.key, "PUT", content=body or None)
    status, answer = ask(site(us), signed, "PUT", body=body)
    assert (status, answer["errcode"]) == (400, errcode)


@pytest.mark.parametrize(
    "event",
    [b'{"a":"\\u0000"}', b'{"a":9007199254740993}', b'{"a":' + b"[" * 300 + b"]" * 300 + b"}"],
)
def test_what_is_wrong_in_an_event_is_not_held_against_the_others(
    us: App, other: MadeUpServer, event: bytes
) -> None:
    body = b'{"pdus":[{},' + event + b"]}"
    signed = header(other.name, other.key, "PUT", content=body)
    status, answer = ask(site(us, holds_events=True), signed, "PUT", body=body)
    assert status == 200 and len(answer["body"]["pdus"]) == 2


def test_the_body_of_a_stranger_is_not_read(us: App, other: MadeUpServer) -> None:
    read: list[int] = []

    class Input(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.append(1)
            return super().read(size)

    unknown = header("nobody.test", other.key, "PUT", content=b"{}")
    status, _, _ = call(
        site(us),
        PATH,
        "PUT",
        HTTP_AUTHORIZATION=unknown,
        CONTENT_LENGTH="2",
        **{"wsgi.input": Input(b"{}")},
    )
    assert (status, read) == (401, [])


def test_a_body_beyond_the_largest_transaction_is_too_large(us: App, other: MadeUpServer) -> None:
    size = server_authentication.BODY_BYTES_MAX + 1
    status, _, answer = call(
        site(us),
        PATH,
        "PUT",
        HTTP_AUTHORIZATION=header(other.name, other.key, "PUT", content=b"{}"),
        CONTENT_LENGTH=str(size),
    )
    assert (status, answer["errcode"]) == (413, "M_TOO_LARGE")


def test_the_types_of_the_operation_hold_for_servers_too(us: App, other: MadeUpServer) -> None:
    wsgi = site(us, read_content=request.object_reader(dict[str, int], True))
    status, answer = put(wsgi, other, b'{"a":"x"}')
    assert (status, answer["errcode"]) == (400, "M_BAD_JSON")
    assert put(wsgi, other, b'{"a":5}')[0] == 200


def test_who_signs_a_request_is_there_and_is_told_what_it_missed(
    us: App, other: MadeUpServer, clock: Clock
) -> None:
    failing = Destination(
        other.name,
        None,
        failing_since_ts=1,
        failure="it was down",
        retry_ts=clock.ms + DAY_MS,
        retry_interval_ms=2 * DAY_MS,
    )
    with us.database.transaction() as txn:
        destinations.put_failing(txn, failing)

    def retry_ts() -> int:
        with us.database.read() as txn:
            row = destinations.get(txn, other.name)
            assert row is not None
            return row.retry_ts

    forged = header(other.name, signing.new_signing_key(b"\x03" * 32, "one"))
    assert refused(ask(site(us), forged))
    assert retry_ts() == clock.ms + DAY_MS
    assert ask(site(us), header(other.name, other.key))[0] == 200
    assert retry_ts() <= clock.ms
