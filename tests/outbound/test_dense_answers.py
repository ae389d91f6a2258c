"""Answers that are small on the wire and large once they are read."""

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from impl.outbound import json_answer
from impl.outbound.failures import BadAnswer
from impl.outbound.federation import FederationClient
from tests.outbound.test_federation import Recorder, client

STATE: dict[str, Callable[[FederationClient], Any]] = {
    "state": lambda asking: asking.get_room_state("b.example", "!r:b", "$e"),
    "event_auth": lambda asking: asking.get_event_auth("b.example", "!r:b", "$e"),
    "send_join": lambda asking: asking.send_join_v2("b.example", "!r", "$e", {}, omit_members=True),
}
OTHERS: dict[str, Callable[[FederationClient], Any]] = {
    "state_ids": lambda asking: asking.get_room_state_ids("b.example", "!r:b", "$e"),
    "event": lambda asking: asking.get_event("b.example", "$e"),
    "backfill": lambda asking: asking.backfill_room("b.example", "!r:b", ["$e"], 100),
    "missing": lambda asking: asking.get_missing_previous_events("b.example", "!r:b", {}),
    "invite": lambda asking: asking.send_invite_v2("b.example", "!r:b", "$e", {}),
    "keys": lambda asking: asking.query_user_encryption_keys("b.example", {}),
    "transaction": lambda asking: asking.send_transaction("b.example", "t", b"{}"),
}
BOMBS = {
    "lists": b'{"pdus":[' + b"[]," * 2_500_000 + b"[]]}",
    "numbers": b'{"state":[' + b"0," * 3_500_000 + b"0]}",
    "objects": b'{"auth_chain":[' + b'{"":{}},' * 900_000 + b"0]}",
    "elsewhere": b'{"unasked":[' + b"[]," * 2_500_000 + b"[]]}",
    "strings": b'{"pdus":[' + b'"",' * 2_500_000 + b'""]}',
}


@pytest.mark.parametrize("ask", [*STATE.values(), *OTHERS.values()], ids=[*STATE, *OTHERS])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_what_is_too_dense_is_not_read(bomb: bytes, ask: Callable[[Any], Any]) -> None:
    asking = client(Recorder(body=bomb))
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer):
            ask(asking)
        # To read it takes three to ten times as much.
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("ask", STATE.values(), ids=list(STATE))
def test_the_events_of_a_state_stay_text(ask: Callable[[Any], Any]) -> None:
    answer = {
        "pdus": [{"type": "a"}, 1],
        "auth_chain": [{"type": "b"}],
        "state": [],
        "event": {"type": "c"},
        "members_omitted": False,
    }
    told = ask(client(Recorder(body=json.dumps(answer).encode())))
    assert isinstance(told["auth_chain"][0], msgspec.Raw)
    assert (told["event"], told["members_omitted"]) == ({"type": "c"}, False)
    assert json.loads(msgspec.json.encode(told)) == answer


@pytest.mark.parametrize("ask", STATE.values(), ids=list(STATE))
@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'{"pdus":[1,}', b"null", b'{"state":{"a":1}', b'{"auth_chain":[\xff]'],
)
def test_what_is_no_json_is_no_answer(ask: Callable[[Any], Any], body: bytes) -> None:
    with pytest.raises(BadAnswer):
        ask(client(Recorder(body=body)))


@pytest.mark.parametrize("ask", STATE.values(), ids=list(STATE))
def test_what_is_no_list_is_told_as_it_is_or_not_at_all(ask: Callable[[Any], Any]) -> None:
    body = b'{"pdus":{"a":1},"auth_chain":7,"state":null}'
    told = ask(client(Recorder(body=body)))
    assert not any(isinstance(one, list) for one in told.values())


def test_what_is_large_beside_the_events_is_left_out() -> None:
    large = b"x" * json_answer.BESIDE_BYTES_MAX
    body = b'{"state":[],"auth_chain":[],"servers_in_room":["%s"],"event":{}}' % large
    told = STATE["send_join"](client(Recorder(body=body)))
    assert told == {"state": [], "auth_chain": [], "event": {}}


def test_one_event_is_no_large_answer() -> None:
    wire = Recorder(body=b'{"pdus":[]}')
    client(wire).get_event("b.example", "$e")
    assert wire.requests[0]["bytes_max"] <= 1 << 20
