"""Leaving, declining and knocking through this server."""

import time

import pytest

from impl.core.room_version import ROOM_VERSIONS
from impl.storage import events
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.stranger import ALL_VERSIONS, Stranger, by_key, ids_of, refused

A = "a.test"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def stranger(network: Network) -> Stranger:
    return Stranger(network, "stranger.test", now_ms)


def is_kept(server: Server, event_id: str) -> bool:
    with server.app.database.read() as txn:
        return bool(events.list_of_id(txn, event_id, 1))


@pytest.mark.parametrize("version", ["1", "11", "12"])
def test_who_came_in_goes_out(a: Server, alice: User, stranger: Stranger, version: str) -> None:
    room_id = rooms.create(alice, version)
    stranger.join(A, room_id)
    template = stranger.client.make_leave(A, room_id, stranger.user_id)
    assert template["room_version"] == version
    assert template["event"]["content"] == {"membership": "leave"}
    event_id, pdu = stranger.event_of(template, reason="bye")
    assert stranger.client.send_leave_v2(A, room_id, event_id, pdu) == {}
    member = rooms.get_state(alice, room_id, "m.room.member", stranger.user_id).json
    assert member == {"membership": "leave", "reason": "bye"}
    # The answer was lost.
    stranger.client.send_leave_v2(A, room_id, event_id, pdu)


def test_who_is_not_there_does_not_leave(a: Server, alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    with refused(403, "M_FORBIDDEN"):
        stranger.client.make_leave(A, room_id, stranger.user_id)
    with refused(403, "M_FORBIDDEN"):
        stranger.client.make_leave(A, room_id, alice.user_id)
    with refused(404, "M_NOT_FOUND"):
        stranger.client.make_leave(A, "!unknown:a.test", stranger.user_id)
    rooms.put_state(alice, room_id, "m.room.server_acl", {"allow": ["a.test"]})
    with refused(403, "M_FORBIDDEN"):
        stranger.client.make_leave(A, room_id, stranger.user_id)


def test_what_is_sent_must_be_the_leave(a: Server, alice: User, stranger: Stranger) -> None:
    room_id, version = rooms.create(alice), ROOM_VERSIONS["11"]
    stranger.join(A, room_id)
    template = stranger.client.make_leave(A, room_id, stranger.user_id)
    event_id, pdu = stranger.event_of(template)
    for fields in (
        {"content": {"membership": "join"}},
        {"content": {"membership": "ban"}},
        {"type": "m.room.name"},
        {"state_key": alice.user_id},
        {"sender": alice.user_id, "state_key": alice.user_id},
    ):
        wrong_id, wrong = stranger.sign({**pdu, "signatures": {}}, version, **fields)
        with refused(400, "M_INVALID_PARAM"):
            stranger.client.send_leave_v2(A, room_id, wrong_id, wrong)
        assert not is_kept(a, wrong_id)
    with refused(400, "M_INVALID_PARAM"):
        stranger.client.send_leave_v2(A, room_id, event_id, {**pdu, "signatures": {}})
    assert rooms.act(alice, room_id, "ban", stranger.user_id).status == 200
    with refused(403, "M_FORBIDDEN"):
        stranger.client.send_leave_v2(A, room_id, event_id, pdu)
    assert not is_kept(a, event_id)


@pytest.mark.parametrize("version", ["7", "12"])
def test_a_knock_is_answered_with_what_the_room_looks_like(
    a: Server, alice: User, stranger: Stranger, version: str
) -> None:
    room_id = rooms.create(alice, version, name="Room")
    rooms.put_state(alice, room_id, "m.room.join_rules", {"join_rule": "knock"})
    template = stranger.client.make_knock(A, room_id, stranger.user_id, ALL_VERSIONS)
    assert template["room_version"] == version
    assert template["event"]["content"] == {"membership": "knock"}
    event_id, pdu = stranger.event_of(template, reason="please")
    shown = stranger.client.send_knock(A, room_id, event_id, pdu)["knock_room_state"]
    # They are whole events, that can be checked.
    keys = by_key(shown)
    assert {kind for kind, _ in keys} == {"m.room.create", "m.room.name", "m.room.join_rules"}
    assert all("signatures" in one and "auth_events" in one for one in shown)
    if version == "12":
        (create,) = ids_of([keys["m.room.create", ""]], version)
        assert create[1:] == room_id[1:]
    assert rooms.membership(alice, room_id, stranger.user_id) == "knock"
    # And taken back.
    template = stranger.client.make_leave(A, room_id, stranger.user_id)
    stranger.client.send_leave_v2(A, room_id, *stranger.event_of(template))
    assert rooms.membership(alice, room_id, stranger.user_id) == "leave"


def test_where_nobody_may_knock(a: Server, alice: User, stranger: Stranger) -> None:
    public, old = rooms.create(alice), rooms.create(alice, "6", preset="private_chat")
    make = stranger.client.make_knock
    for room_id in (public, old):
        with refused(403, "M_FORBIDDEN"):
            make(A, room_id, stranger.user_id, ALL_VERSIONS)
    with refused(400, "M_INCOMPATIBLE_ROOM_VERSION") as caught:
        make(A, public, stranger.user_id, ["7", "8"])
    assert caught.value.body["room_version"] == "11"
    with refused(403, "M_FORBIDDEN"):
        make(A, public, alice.user_id, ALL_VERSIONS)
    with refused(404, "M_NOT_FOUND"):
        make(A, "!unknown:a.test", stranger.user_id, ALL_VERSIONS)
    with refused(400, "M_MISSING_PARAM"):
        make(A, public, stranger.user_id, [])


def test_what_is_sent_must_be_the_knock(a: Server, alice: User, stranger: Stranger) -> None:
    room_id, version = rooms.create(alice, preset="private_chat"), ROOM_VERSIONS["11"]
    rooms.put_state(alice, room_id, "m.room.join_rules", {"join_rule": "knock"})
    template = stranger.client.make_knock(A, room_id, stranger.user_id, ALL_VERSIONS)
    event_id, pdu = stranger.event_of(template)
    for fields in (
        {"content": {"membership": "join"}},
        {"content": {"membership": "leave"}},
        {"state_key": "@other:stranger.test"},
        {"sender": "@user:other.test", "state_key": "@user:other.test"},
    ):
        wrong_id, wrong = stranger.sign({**pdu, "signatures": {}}, version, **fields)
        with refused(400, "M_INVALID_PARAM"):
            stranger.client.send_knock(A, room_id, wrong_id, wrong)
        assert not is_kept(a, wrong_id)
    # The door was shut between the two.
    rooms.put_state(alice, room_id, "m.room.join_rules", {"join_rule": "invite"})
    with refused(403, "M_FORBIDDEN"):
        stranger.client.send_knock(A, room_id, event_id, pdu)
    assert not is_kept(a, event_id)
