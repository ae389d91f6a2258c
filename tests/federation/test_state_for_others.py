"""What other servers are told of a room's state, and of what events rest on."""

import time
from typing import Any

import gevent
import pytest

from impl.services.federation_serving import pdus
from impl.services.federation_serving.state import LARGE_ANSWERS_MAX
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger, by_key, holds_together, ids_of, refused

A = "a.test"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def stranger(network: Network) -> Stranger:
    return Stranger(network, "stranger.test", now_ms)


@pytest.mark.parametrize("version", ["1", "3", "11", "12"])
@pytest.mark.parametrize("at_once", [2, 2000])
def test_the_state_before_an_event(
    alice: User, stranger: Stranger, version: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdus, "AT_ONCE", at_once)
    room_id = rooms.create(alice, version, name="Room")
    stranger.join(A, room_id)
    first = rooms.put_state(alice, room_id, "m.room.topic", {"topic": "first"})
    second = rooms.put_state(alice, room_id, "m.room.topic", {"topic": "second"})
    rooms.put_state(alice, room_id, "m.room.topic", {"topic": "third"})

    answer = stranger.client.get_room_state(A, room_id, second)
    state = by_key(answer["pdus"])
    assert len(state) == len(answer["pdus"])
    assert state["m.room.topic", ""]["content"] == {"topic": "first"}
    assert ("m.room.member", stranger.user_id) in state
    assert holds_together(answer["pdus"], answer["auth_chain"], version)
    if version == "12":
        assert ids_of([state["m.room.create", ""]], version) == ["$" + room_id[1:]]

    ids = stranger.client.get_room_state_ids(A, room_id, second)
    assert sorted(ids["pdu_ids"]) == sorted(ids_of(answer["pdus"], version))
    assert sorted(ids["auth_chain_ids"]) == sorted(ids_of(answer["auth_chain"], version))
    before = by_key(stranger.client.get_room_state(A, room_id, first)["pdus"])
    assert ("m.room.topic", "") not in before


@pytest.mark.parametrize("version", ["1", "11", "12"])
def test_what_an_event_rests_on(alice: User, stranger: Stranger, version: str) -> None:
    room_id = rooms.create(alice, version)
    stranger.join(A, room_id)
    said = rooms.say(alice, room_id, "hello")
    chain = stranger.client.get_event_auth(A, room_id, said)["auth_chain"]
    assert holds_together([], chain, version)
    kinds = {one["type"] for one in chain}
    assert kinds == {"m.room.create", "m.room.member", "m.room.power_levels"}
    create = (
        "$" + room_id[1:]
        if version == "12"
        else ids_of([one for one in chain if one["type"] == "m.room.create"], version)[0]
    )
    assert stranger.client.get_event_auth(A, room_id, create) == {"auth_chain": []}


def test_state_that_was_redacted_goes_out_redacted(alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    topic = rooms.put_state(alice, room_id, "m.room.topic", {"topic": "oh no"})
    rooms.redact(alice, room_id, topic)
    said = rooms.say(alice, room_id, "hello")
    answer = stranger.client.get_room_state(A, room_id, said)
    redacted = by_key(answer["pdus"])["m.room.topic", ""]
    assert redacted["content"] == {}
    assert ids_of([redacted], "11") == [topic]
    # Whoever comes later gets it so as well.
    other = stranger.join(A, room_id, "@other:stranger.test")
    assert by_key(other["state"])["m.room.topic", ""]["content"] == {}


def test_who_is_not_told(alice: User, stranger: Stranger, network: Network) -> None:
    room_id, other_room = rooms.create(alice), rooms.create(alice)
    stranger.join(A, room_id)
    said, elsewhere = rooms.say(alice, room_id, "hello"), rooms.say(alice, other_room, "hello")
    rejected = stranger.say(A, room_id, "m.room.topic", {"topic": "no"}, state_key="")
    outside = Stranger(network, "outside.test", now_ms).client
    inside = stranger.client
    for ask, ask_outside in (
        (inside.get_room_state, outside.get_room_state),
        (inside.get_room_state_ids, outside.get_room_state_ids),
        (inside.get_event_auth, outside.get_event_auth),
    ):
        ask(A, room_id, said)
        for event_id in ("$unknown", "nonsense", elsewhere, rejected):
            with refused(404, "M_NOT_FOUND"):
                ask(A, room_id, event_id)
        with refused(404, "M_NOT_FOUND"):
            ask(A, "!unknown:a.test", said)
        with refused(403, "M_FORBIDDEN"):
            ask_outside(A, room_id, said)
    rooms.put_state(alice, room_id, "m.room.server_acl", {"allow": [A]})
    for ask in (inside.get_room_state, inside.get_room_state_ids, inside.get_event_auth):
        with refused(403, "M_FORBIDDEN"):
            ask(A, room_id, said)
    rooms.put_state(alice, room_id, "m.room.server_acl", {"allow": ["*"]})
    assert rooms.act(alice, room_id, "kick", stranger.user_id).status == 200
    with refused(403, "M_FORBIDDEN"):
        inside.get_room_state_ids(A, room_id, said)
    # Once nobody of ours is there, it is not for us to say.
    assert alice.post(rooms.path(room_id, "leave"), {}).status == 200
    with refused(404, "M_NOT_FOUND"):
        inside.get_room_state_ids(A, room_id, said)


def test_large_answers_are_made_a_few_at_a_time(
    alice: User, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    said = rooms.say(alice, room_id, "hello")
    under_way, most, write_ids = 0, 0, pdus.write_ids

    def slowly(*arguments: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        gevent.sleep(0.01)
        under_way -= 1
        return write_ids(*arguments)

    monkeypatch.setattr(pdus, "write_ids", slowly)
    asking = [gevent.spawn(stranger.client.get_room_state_ids, A, room_id, said) for _ in range(6)]
    gevent.joinall(asking, timeout=30, raise_error=True)
    assert most == LARGE_ANSWERS_MAX
    assert all(one.value == asking[0].value for one in asking)
