"""What a request to another server is made of, and what is made of its answer."""

import json
from typing import Any

import pytest
from nacl.signing import VerifyKey

from impl.core import canonical_json, request_auth, signing
from impl.core.unpadded_base64 import decode_base64
from impl.outbound import json_answer
from impl.outbound.failures import BadAnswer, FederationFailure, Refused, Unreachable
from impl.outbound.federation import FederationClient
from impl.outbound.wire import ERROR_BYTES_MAX, WireResponse

KEY = signing.new_signing_key(b"\x07" * 32, "1")


class Recorder:
    """A wire that answers the same to everything."""

    def __init__(self, status: int = 200, body: bytes = b"{}") -> None:
        self.answer = WireResponse(status, {}, body)
        self.requests: list[dict[str, Any]] = []

    def close(self) -> None:
        pass

    def request(self, destination: str, method: str, target: str, **options: Any) -> WireResponse:
        self.requests.append(
            {"destination": destination, "method": method, "target": target, **options}
        )
        return self.answer


def client(wire: Any, **options: Any) -> FederationClient:
    return FederationClient("a.example", KEY, wire, **options)


def test_a_request_is_signed_as_it_is_sent():
    wire = Recorder()
    client(wire).send_join_v2("b.example", "!r:b", "$e/1", {"z": 1, "a": "é"}, omit_members=True)
    sent = wire.requests[0]
    assert sent["target"] == "/_matrix/federation/v2/send_join/%21r%3Ab/%24e%2F1?omit_members=true"
    assert sent["body"] == canonical_json.encode(json.loads(sent["body"]))
    given = request_auth.parse(sent["headers"]["Authorization"])
    assert (given.origin, given.destination, given.key_id) == (
        "a.example",
        "b.example",
        KEY.key_id,
    )
    message = request_auth.signed_bytes(
        "PUT", sent["target"], "a.example", "b.example", sent["body"]
    )
    VerifyKey(KEY.verify_key).verify(message, decode_base64(given.signature))


def test_what_comes_often_in_a_query_is_repeated():
    wire = Recorder()
    client(wire).make_join("b.example", "!r:b", "@u:a.example", ["1", "11"])
    assert wire.requests[0]["target"].endswith("/%40u%3Aa.example?ver=1&ver=11")
    assert wire.requests[0]["body"] is None


def test_keys_are_asked_for_without_a_signature():
    wire = Recorder()
    client(wire).get_server_key("b.example")
    assert "Authorization" not in wire.requests[0]["headers"]


def test_an_error_is_told_with_its_errcode():
    wire = Recorder(403, b'{"errcode": "M_FORBIDDEN", "error": "no"}')
    with pytest.raises(Refused) as failure:
        client(wire).get_event("b.example", "$e")
    assert (failure.value.status, failure.value.errcode) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'{"errcode": 3}', b"\xff"])
def test_an_error_without_json_is_an_error(body):
    with pytest.raises(Refused) as failure:
        client(Recorder(502, body)).get_event("b.example", "$e")
    assert failure.value.errcode == "M_UNKNOWN"


def test_of_an_error_nothing_is_read_that_is_too_much(monkeypatch: pytest.MonkeyPatch):
    read: list[bytes] = []
    monkeypatch.setattr(json_answer, "read", lambda body, texts: read.append(body))
    body = b'{"errcode": "M_FORBIDDEN", "error": "%s"}' % (b"x" * ERROR_BYTES_MAX)
    with pytest.raises(Refused) as failure:
        client(Recorder(403, body)).send_join_v2("b.example", "!r:b", "$e", {}, omit_members=True)
    assert (failure.value.status, failure.value.errcode) == (403, "M_UNKNOWN")
    assert read == []


class Counted(bytes):
    """Of those that are there one knows how many."""

    there = 0

    def __new__(cls, *given: Any) -> "Counted":
        Counted.there += 1
        return super().__new__(cls, *given)

    def __del__(self) -> None:
        Counted.there -= 1


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (200, b"[]"), (403, b"{}")])
def test_a_failure_that_is_kept_keeps_nothing_of_the_answer(status: int, body: bytes):
    """Not even until somebody collects what refers to itself."""

    class OfNew(Recorder):
        def request(self, *given: Any, **options: Any) -> WireResponse:
            return WireResponse(status, {}, Counted(body))

    def take(answer: Any) -> None:
        held = Counted(b"what was made of it")
        try:
            held.decode("ascii").index("!")
        except ValueError as error:
            raise BadAnswer("b.example", "it is no good") from error

    kept: list[FederationFailure] = []
    for _ in range(3):
        try:
            client(OfNew()).send_join_v2(
                "b.example", "!r:b", "$e", {}, omit_members=True, take=take
            )
        except FederationFailure as failure:
            kept.append(failure)
    assert len(kept) == 3
    assert Counted.there == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"[" * 100_000, b'"x"', b"\xff"])
def test_an_answer_that_is_no_object_is_a_bad_one(body):
    with pytest.raises(BadAnswer):
        client(Recorder(200, body)).get_event("b.example", "$e")


def test_nobody_asks_themselves_nor_whom_they_do_not_federate_with():
    wire = Recorder()
    with pytest.raises(Unreachable):
        client(wire).get_event("a.example", "$e")
    with pytest.raises(Unreachable):
        client(wire, is_allowed=lambda name: name != "b.example").get_event("b.example", "$e")
    assert wire.requests == []


def test_who_answers_and_who_does_not_is_noted():
    noted: list[tuple[str, bool]] = []
    for status, is_failure in ((200, False), (404, False), (502, True)):
        asking = client(Recorder(status))
        asking.note = lambda destination, error: noted.append((destination, error is not None))
        try:
            asking.get_event("b.example", "$e")
        except Refused:
            pass
        assert noted.pop() == ("b.example", is_failure)


def test_who_is_put_off_is_asked_only_by_those_who_insist():
    wire = Recorder()
    asking = client(wire)

    def put_off(destination: str) -> None:
        raise Unreachable(destination, "it did not answer lately")

    asking.check_worth = put_off
    with pytest.raises(Unreachable):
        asking.get_event("b.example", "$e")
    asking.query_room_directory("b.example", "#x:b.example")
    assert len(wire.requests) == 1


def test_who_is_asked_has_as_long_as_is_configured():
    wire = Recorder()
    asking = client(wire, timeout_s=7.0)
    asking.get_event("b.example", "$e")
    asking.send_transaction("b.example", "1", b"{}")
    asking.get_room_state_ids("b.example", "!r:b", "$e")
    asking.query_user_encryption_keys("b.example", {}, 3.0)
    assert [one["timeout_s"] for one in wire.requests] == [7, 7, 14, 3]


def test_a_space_is_not_waited_for_as_long_as_a_room_is():
    wire = Recorder()
    client(wire, timeout_s=90.0).get_space_hierarchy("b.example", "!r:b", False)
    assert wire.requests[0]["timeout_s"] < 30
