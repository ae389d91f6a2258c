"""Joining rooms through this server: templates, what is answered, and what is refused."""

import copy
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.config import RateLimit
from impl.core import signing
from impl.core.room_version import ROOM_VERSIONS
from impl.services import restricted_joins
from impl.storage import events
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.stranger import (
    ALL_VERSIONS,
    Stranger,
    by_key,
    holds_together,
    ids_of,
    refused,
)

A = "a.test"
VIA = restricted_joins.AUTHORISED_VIA


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def stranger(network: Network) -> Stranger:
    return Stranger(network, "stranger.test", now_ms)


def is_kept(server: Server, room_id: str, event_id: str) -> bool:
    with server.app.database.read() as txn:
        return bool(events.list_of_id(txn, event_id, 1))


@pytest.mark.parametrize("version", ["1", "2", "3", "4", "6", "10", "11", "12"])
def test_a_join_gets_the_state_before_it_and_what_that_rests_on(
    a: Server, alice: User, stranger: Stranger, version: str
) -> None:
    room_id = rooms.create(alice, version, name="Room")
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    event = template["event"]
    assert template["room_version"] == version
    assert (event["sender"], event["state_key"]) == (stranger.user_id, stranger.user_id)
    assert (event["type"], event["room_id"], event["origin"]) == ("m.room.member", room_id, A)
    assert event["content"] == {"membership": "join"}
    assert not event.keys() & {"signatures", "hashes", "event_id"}

    event_id, pdu = stranger.event_of(template, displayname="Stranger")
    answer = stranger.client.send_join_v2(A, room_id, event_id, pdu, omit_members=False)
    assert holds_together(answer["state"], answer["auth_chain"], version)
    state = by_key(answer["state"])
    assert ("m.room.member", alice.user_id) in state
    assert ("m.room.member", stranger.user_id) not in state
    assert state["m.room.name", ""]["content"] == {"name": "Room"}
    assert answer["event"] == pdu
    assert "members_omitted" not in answer
    assert rooms.membership(alice, room_id, stranger.user_id) == "join"
    # It has been answered, and the answer was lost.
    again = stranger.client.send_join_v2(A, room_id, event_id, pdu, omit_members=False)
    assert ids_of(again["state"], version) == ids_of(answer["state"], version)


@pytest.mark.parametrize("is_named", [True, False])
def test_members_are_left_out_for_who_can_do_without(
    a: Server, alice: User, stranger: Stranger, network: Network, is_named: bool
) -> None:
    room_id = rooms.create(alice, **({"name": "Room"} if is_named else {}))
    for name in ("bob", "carol", "dan"):
        user = a.register(name)
        assert user.post(rooms.path(room_id, "join"), {}).status == 200
    Stranger(network, "other.test", now_ms).join(A, room_id)
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    event_id, pdu = stranger.event_of(template)
    answer = stranger.client.send_join_v2(A, room_id, event_id, pdu, omit_members=True)
    assert answer["members_omitted"] is True
    assert answer["servers_in_room"] == [A, "other.test"]
    members = {key for kind, key in by_key(answer["state"]) if kind == "m.room.member"}
    heroes = (
        set()
        if is_named
        else {*map(a.user_id, ("alice", "bob", "carol", "dan")), "@user:other.test"}
    )
    assert members == heroes
    assert holds_together(answer["state"], [*answer["auth_chain"], pdu], "11")
    ids = set(ids_of(answer["state"], "11"))
    assert not ids & set(ids_of(answer["auth_chain"], "11"))
    # What the join itself rests on is there.
    cited = {one["event_id"] if isinstance(one, dict) else one for one in pdu["auth_events"]}
    assert cited <= ids | set(ids_of(answer["auth_chain"], "11"))


def test_what_is_no_way_to_ask_for_a_join(a: Server, alice: User, stranger: Stranger) -> None:
    room_id, user_id, make = rooms.create(alice), stranger.user_id, stranger.client.make_join
    with refused(403, "M_FORBIDDEN"):
        make(A, room_id, "@user:other.test", ALL_VERSIONS)
    with refused(400, "M_INVALID_PARAM"):
        make(A, room_id, "nobody", ALL_VERSIONS)
    with refused(404, "M_NOT_FOUND"):
        make(A, "!unknown:a.test", user_id, ALL_VERSIONS)
    for versions in (["1", "10", "99"], []):
        with refused(400, "M_INCOMPATIBLE_ROOM_VERSION") as caught:
            make(A, room_id, user_id, versions)
        assert caught.value.body["room_version"] == "11"
    # Who names no version knows the first.
    make(A, rooms.create(alice, "1"), user_id, [])


def test_a_room_that_we_have_left_is_not_ours_to_let_anybody_into(
    a: Server, alice: User, stranger: Stranger
) -> None:
    room_id = rooms.create(alice)
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    assert alice.post(rooms.path(room_id, "leave"), {}).status == 200
    with refused(404, "M_NOT_FOUND"):
        stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    with refused(404, "M_NOT_FOUND"):
        send(stranger, room_id, *stranger.event_of(template))


def test_whom_the_access_list_or_a_ban_keeps_out(
    a: Server, alice: User, stranger: Stranger
) -> None:
    room_id = rooms.create(alice)
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    deny = {"allow": ["*"], "deny": ["stranger.*"]}
    rooms.put_state(alice, room_id, "m.room.server_acl", deny)
    with refused(403, "M_FORBIDDEN"):
        stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    with refused(403, "M_FORBIDDEN"):
        send(stranger, room_id, *stranger.event_of(template))
    rooms.put_state(alice, room_id, "m.room.server_acl", {"allow": ["*"]})
    assert rooms.act(alice, room_id, "ban", stranger.user_id).status == 200
    with refused(403, "M_FORBIDDEN"):
        stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)


def test_an_invite_is_needed_where_it_is_needed(a: Server, alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice, preset="private_chat")
    with refused(403, "M_FORBIDDEN"):
        stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)


def send(stranger: Stranger, room_id: str, event_id: str, pdu: dict[str, Any]) -> dict[str, Any]:
    return stranger.client.send_join_v2(A, room_id, event_id, pdu, omit_members=False)


def test_what_is_sent_must_be_the_join(a: Server, alice: User, stranger: Stranger) -> None:
    room_id, other_room = rooms.create(alice), rooms.create(alice)
    version = ROOM_VERSIONS["11"]
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    event_id, pdu = stranger.event_of(template)
    content = pdu["content"]
    wrong = {
        "type": {"type": "m.room.message"},
        "membership": {"content": {**content, "membership": "invite"}},
        "no membership": {"content": {}},
        "sender": {"sender": "@user:other.test", "state_key": "@user:other.test"},
        "state_key": {"state_key": "@other:stranger.test"},
        "room": {"room_id": other_room},
        "no state_key": {"state_key": None},
        "prev": {"prev_events": ["$unknown"]},
        "auth": {"auth_events": ["$unknown"]},
        "depth": {"depth": -1},
        "content": {"content": "join"},
    }
    for what, fields in wrong.items():
        changed = {key: value for key, value in {**pdu, **fields}.items() if value is not None}
        changed.pop("signatures")
        wrong_id, signed = stranger.sign(changed, version)
        with refused(400, "M_INVALID_PARAM"):
            send(stranger, room_id, wrong_id, signed)
        assert not is_kept(a, room_id, wrong_id), what
    with refused(400, "M_INVALID_PARAM"):
        send(stranger, room_id, "$another", pdu)
    with refused(404, "M_NOT_FOUND"):
        send(stranger, "!unknown:a.test", event_id, pdu)
    for body in ({}, {**pdu, "signatures": {}}, {**pdu, "signatures": {"stranger.test": {}}}):
        with refused(400, "M_INVALID_PARAM"):
            send(stranger, room_id, event_id, body)
    forged = copy.deepcopy(pdu)
    forged["content"]["displayname"] = "not what was hashed"
    with refused(400, "M_INVALID_PARAM"):
        send(stranger, room_id, event_id, forged)
    assert rooms.membership(alice, room_id, stranger.user_id) is None
    send(stranger, room_id, event_id, pdu)


def test_a_join_is_judged_by_the_room_as_it_is_when_it_comes(
    a: Server, alice: User, stranger: Stranger
) -> None:
    room_id = rooms.create(alice)
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    event_id, pdu = stranger.event_of(template)
    assert rooms.act(alice, room_id, "ban", stranger.user_id).status == 200
    with refused(403, "M_FORBIDDEN"):
        send(stranger, room_id, event_id, pdu)
    assert not is_kept(a, room_id, event_id)
    assert rooms.act(alice, room_id, "unban", stranger.user_id).status == 200
    rooms.put_state(alice, room_id, "m.room.topic", {"topic": "the room goes on"})
    send(stranger, room_id, event_id, pdu)
    assert rooms.membership(alice, room_id, stranger.user_id) == "join"


def test_who_meets_a_condition_is_vouched_for(a: Server, alice: User, stranger: Stranger) -> None:
    club = rooms.create(alice)
    room_id = rooms.create(alice, preset="private_chat")
    rooms.put_state(alice, room_id, "m.room.join_rules", rooms.restricted_to(club))
    with refused(403, "M_FORBIDDEN"):
        stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    stranger.join(A, club)
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    assert template["event"]["content"][VIA] == alice.user_id
    event_id, pdu = stranger.event_of(template)
    answer = send(stranger, room_id, event_id, pdu)
    key = a.app.signing_key
    signing.verify_event(answer["event"], ROOM_VERSIONS["11"], A, key.key_id, key.verify_key)
    assert "stranger.test" in answer["event"]["signatures"]
    assert rooms.membership(alice, room_id, stranger.user_id) == "join"


def test_nobody_is_vouched_for_who_names_a_voucher_and_meets_no_condition(
    a: Server, alice: User, stranger: Stranger
) -> None:
    club = rooms.create(alice)
    room_id = rooms.create(alice, preset="private_chat")
    rooms.put_state(alice, room_id, "m.room.join_rules", rooms.restricted_to(club))
    stranger.join(A, club)
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    event_id, pdu = stranger.event_of(template)
    # They were in the club when they asked.
    assert rooms.act(alice, club, "kick", stranger.user_id).status == 200
    with refused(403, "M_FORBIDDEN"):
        send(stranger, room_id, event_id, pdu)
    assert not is_kept(a, room_id, event_id)


def test_conditions_that_cannot_be_looked_at_and_vouchers_that_there_are_not(
    a: Server, alice: User, stranger: Stranger, network: Network
) -> None:
    room_id = rooms.create(alice, preset="private_chat")
    make = stranger.client.make_join
    for allow in ([], "nonsense", [{"type": "m.room_membership"}], [{"type": "new"}, 1, None]):
        content = {"join_rule": "restricted", "allow": allow}
        rooms.put_state(alice, room_id, "m.room.join_rules", content)
        with refused(403, "M_FORBIDDEN"):
            make(A, room_id, stranger.user_id, ALL_VERSIONS)
    left = rooms.create(alice)
    stranger.join(A, left)
    assert alice.post(rooms.path(left, "leave"), {}).status == 200
    for unknown in ("!unknown:other.test", left):
        rooms.put_state(alice, room_id, "m.room.join_rules", rooms.restricted_to(unknown))
        with refused(400, "M_UNABLE_TO_AUTHORISE_JOIN"):
            make(A, room_id, stranger.user_id, ALL_VERSIONS)

    club = rooms.create(alice)
    stranger.join(A, club)
    # Only a user of another server may invite.
    other = Stranger(network, "other.test", now_ms)
    other.join(A, club)
    rooms.put_state(alice, room_id, "m.room.join_rules", rooms.restricted_to(club))
    other.join(A, room_id)
    levels = {"users": {alice.user_id: 100, other.user_id: 100}, "invite": 50}
    rooms.put_state(alice, room_id, "m.room.power_levels", levels)
    bob = a.register("bob")
    assert rooms.act(alice, room_id, "invite", bob.user_id).status == 200
    assert bob.post(rooms.path(room_id, "join"), {}).status == 200
    assert alice.post(rooms.path(room_id, "leave"), {}).status == 200
    with refused(400, "M_UNABLE_TO_GRANT_JOIN"):
        make(A, room_id, stranger.user_id, ALL_VERSIONS)


def test_a_storm_of_joins_is_held_to_what_the_room_allows(
    new_server: Callable[..., Server], network: Network
) -> None:
    limits = new_server("limits.test").app.config.rate_limits
    one_at_a_time = RateLimit(per_second=0.001, burst_count=2)
    changed = {**{name: getattr(limits, name) for name in limits.__dataclass_fields__}}
    a = new_server(A, rate_limits=type(limits)(**{**changed, "rc_joins_per_room": one_at_a_time}))
    alice = a.register("alice")
    room_id = rooms.create(alice)
    stranger = Stranger(network, "stranger.test", now_ms)
    outcomes: list[bool] = []

    def try_to_join(number: int) -> None:
        try:
            stranger.join(A, room_id, f"@user{number}:stranger.test")
            outcomes.append(True)
        except Exception as error:
            assert getattr(error, "errcode", None) == "M_LIMIT_EXCEEDED", error
            outcomes.append(False)

    gevent.joinall([gevent.spawn(try_to_join, number) for number in range(8)], raise_error=True)
    assert 1 <= sum(outcomes) <= 2
    # Nor are templates made then, for whomever it is; other rooms and our own users go on.
    for number in range(5):
        made_up = Stranger(network, f"made-up{number}.test", now_ms)
        with refused(429, "M_LIMIT_EXCEEDED"):
            made_up.client.make_join(A, room_id, made_up.user_id, ALL_VERSIONS)
    assert stranger.join(A, rooms.create(alice, name="another"))
    assert rooms.say(alice, room_id, "still here")


def test_a_join_is_for_the_other_servers_in_the_room_too(
    a: Server, alice: User, stranger: Stranger, network: Network
) -> None:
    room_id = rooms.create(alice)
    Stranger(network, "other.test", now_ms).join(A, room_id)
    template = stranger.client.make_join(A, room_id, stranger.user_id, ALL_VERSIONS)
    event_id, pdu = stranger.event_of(template)
    send(stranger, room_id, event_id, pdu)
    with a.app.database.read() as txn:
        txn.execute(
            "SELECT t.is_outgoing FROM timeline t JOIN events e USING (room_nid, event_nid)"
            " WHERE e.event_id = %s",
            (event_id,),
        )
        assert txn.fetchone() == (True,)
