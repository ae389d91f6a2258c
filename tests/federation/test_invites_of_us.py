"""Invites of our users by other servers: what the users see, and what is refused."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from impl.config import RateLimit
from impl.core import signing, stripped_state
from impl.core.room_version import ROOM_VERSIONS
from impl.requester import Requester
from impl.services import accounts
from impl.storage import events
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger, membership_pdu, refused

A = "a.test"
ROOM = "!room:stranger.test"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def stranger(network: Network) -> Stranger:
    return Stranger(network, "stranger.test", now_ms)


class Invite:
    """An invite as a server sends it, and the room that it shows."""

    def __init__(self, stranger: Stranger, user_id: str, version: str, **fields: object) -> None:
        self.stranger, self.version = stranger, version
        flags = ROOM_VERSIONS[version]
        content: dict[str, Any] = {"room_version": version}
        if not flags.creator_is_sender:
            content["creator"] = stranger.user_id
        create = self._state("m.room.create", content)
        self.room_id = ROOM
        if flags.room_id_is_create_hash:
            create.pop("room_id")
        create_id, create = stranger.sign(create, flags)
        if flags.room_id_is_create_hash:
            self.room_id = "!" + create_id[1:]
        name = stranger.sign(self._state("m.room.name", {"name": "Room"}), flags)[1]
        self.shown: Any = [create, name]
        pdu = membership_pdu(stranger.user_id, user_id, "invite", self.room_id)
        self.event_id, self.pdu = stranger.sign(pdu, flags, **fields)

    def _state(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        pdu = membership_pdu(self.stranger.user_id, "", "", getattr(self, "room_id", ROOM))
        return {**pdu, "type": kind, "content": content}

    def send(self, **changes: Any) -> dict[str, Any]:
        body = {"event": self.pdu, "room_version": self.version, "invite_room_state": self.shown}
        answer = self.stranger.client.send_invite_v2(
            A, self.room_id, self.event_id, {**body, **changes}
        )
        return dict(answer["event"])

    def send_v1(self) -> dict[str, Any]:
        pdu = {**self.pdu, "unsigned": {"invite_room_state": self.shown, "age": 1}}
        status, answer = self.stranger.client.send_invite_v1(A, self.room_id, self.event_id, pdu)
        assert status == 200
        return dict(answer["event"])


def invites_of(user: User) -> dict[str, Any]:
    answer = user.get("/_matrix/client/v3/sync")
    assert answer.status == 200
    return dict(answer.json["rooms"]["invite"])


def test_strangers_differ_in_nothing_but_the_version(a: Server, stranger: Stranger) -> None:
    assert Invite(stranger, a.user_id("alice"), "12").room_id != ROOM


@pytest.mark.parametrize("version", ["1", "2", "3", "6", "11", "12"])
def test_an_invite_is_signed_and_told(
    a: Server, alice: User, stranger: Stranger, version: str
) -> None:
    invite = Invite(stranger, alice.user_id, version)
    signed = invite.send()
    key = a.app.signing_key
    signing.verify_event(signed, ROOM_VERSIONS[version], A, key.key_id, key.verify_key)
    ours = signed["signatures"].pop(A)
    assert list(ours) == [key.key_id]
    assert signed == invite.pdu
    shown = invites_of(alice)[invite.room_id]["invite_state"]["events"]
    assert [one["type"] for one in shown] == ["m.room.create", "m.room.name", "m.room.member"]
    assert all(one.keys() == {"type", "state_key", "content", "sender"} for one in shown)
    assert shown[-1]["content"] == {"membership": "invite"}
    # Its answer was lost.
    assert invite.send()["signatures"].keys() == {"stranger.test", A}
    assert len(invites_of(alice)) == 1


def test_the_older_form_is_answered_in_its_own_way(
    a: Server, alice: User, stranger: Stranger
) -> None:
    invite = Invite(stranger, alice.user_id, "1")
    signed = invite.send_v1()
    key = a.app.signing_key
    signing.verify_event(signed, ROOM_VERSIONS["1"], A, key.key_id, key.verify_key)
    assert invite.room_id in invites_of(alice)
    # Rooms of later versions have no ids of that kind.
    with refused(400, "M_INVALID_PARAM"):
        Invite(stranger, alice.user_id, "11").send_v1()


def test_an_invite_is_declined_though_the_other_server_is_gone(
    a: Server, alice: User, stranger: Stranger
) -> None:
    invite = Invite(stranger, alice.user_id, "11")
    invite.send()
    since = alice.get("/_matrix/client/v3/sync").json["next_batch"]
    stranger.is_down = True
    assert alice.post(rooms.path(invite.room_id, "leave"), {"reason": "no"}).status == 200
    moved = alice.get("/_matrix/client/v3/sync", {"since": since}).json["rooms"]
    assert list(moved["leave"]) == [invite.room_id]
    assert invites_of(alice) == {}
    assert alice.post(rooms.path(invite.room_id, "forget"), {}).status == 200


def test_who_is_invited_may_report_the_room(a: Server, alice: User, stranger: Stranger) -> None:
    invite = Invite(stranger, alice.user_id, "11")
    report = rooms.path(invite.room_id, "report")
    assert alice.post(report, {"reason": "spam"}).errcode == "M_NOT_FOUND"
    invite.send()
    assert alice.post(report, {"reason": "spam"}).status == 200


def test_what_is_no_invite_of_our_user_is_not_signed(
    a: Server, alice: User, stranger: Stranger
) -> None:
    flags = ROOM_VERSIONS["11"]
    good = Invite(stranger, alice.user_id, "11")
    for fields in (
        {"type": "m.room.message"},
        {"content": {"membership": "join"}},
        {"content": {"membership": "leave"}},
        {"content": {}},
        {"sender": "@user:other.test"},
        {"sender": alice.user_id},
        {"state_key": "@bob:stranger.test"},
        {"state_key": "alice"},
        {"room_id": "!another:stranger.test"},
        {"depth": "5"},
    ):
        pdu = {**good.pdu, "signatures": {}}
        good.event_id, good.pdu = stranger.sign(pdu, flags, **fields)
        with refused(400, "M_INVALID_PARAM"):
            good.send()
    unsigned = Invite(stranger, alice.user_id, "11")
    unsigned.pdu = {**unsigned.pdu, "signatures": {}}
    forged = Invite(stranger, alice.user_id, "11")
    forged.pdu = {**forged.pdu, "content": {"membership": "invite", "reason": "not hashed"}}
    renamed = Invite(stranger, alice.user_id, "11")
    renamed.event_id = "$another"
    for one in (unsigned, forged, renamed):
        with refused(400, "M_INVALID_PARAM"):
            one.send()
    assert invites_of(alice) == {}


def test_a_room_version_that_we_do_not_know(a: Server, alice: User, stranger: Stranger) -> None:
    invite = Invite(stranger, alice.user_id, "11")
    with refused(400, "M_INCOMPATIBLE_ROOM_VERSION") as caught:
        invite.send(room_version="99")
    assert caught.value.body["room_version"] == "99"


def test_who_cannot_be_invited(a: Server, alice: User, stranger: Stranger) -> None:
    with refused(403, "M_FORBIDDEN"):
        Invite(stranger, a.user_id("nobody"), "11").send()
    accounts.deactivate(a.app, Requester(alice.user_id, None), erase=False)
    with refused(403, "M_FORBIDDEN"):
        Invite(stranger, alice.user_id, "11").send()


def test_who_wants_no_invites_gets_none(a: Server, alice: User, stranger: Stranger) -> None:
    where = f"/_matrix/client/v3/user/{alice.user_id}/account_data/m.invite_permission_config"
    assert alice.put(where, {"default_action": "block"}).status == 200
    with refused(403, "M_INVITE_BLOCKED"):
        Invite(stranger, alice.user_id, "11").send()


def test_a_server_that_takes_no_invites(
    new_server: Callable[..., Server], stranger: Stranger
) -> None:
    a = new_server(A, block_non_admin_invites=True)
    alice = a.register("alice")
    with refused(403, "M_FORBIDDEN"):
        Invite(stranger, alice.user_id, "11").send()


def test_invites_of_one_user_are_limited(
    new_server: Callable[..., Server], stranger: Stranger
) -> None:
    limits = new_server("limits.test").app.config.rate_limits
    every = {name: getattr(limits, name) for name in limits.__dataclass_fields__}
    every["rc_invites_per_user"] = RateLimit(per_second=0.001, burst_count=2)
    a = new_server(A, rate_limits=type(limits)(**every))
    alice, bob = a.register("alice"), a.register("bob")
    for number in range(2):
        Invite(stranger, alice.user_id, "11", depth=number).send()
    with refused(429, "M_LIMIT_EXCEEDED"):
        Invite(stranger, alice.user_id, "11", depth=9).send()
    Invite(stranger, bob.user_id, "11").send()


def test_nobody_is_asked_for_keys_of_what_is_one_too_many_shows(
    new_server: Callable[..., Server], network: Network, stranger: Stranger
) -> None:
    """They may be long in answering."""
    limits = new_server("limits.test").app.config.rate_limits
    every = {name: getattr(limits, name) for name in limits.__dataclass_fields__}
    every["rc_invites_per_user"] = RateLimit(per_second=0.001, burst_count=1)
    a = new_server(A, rate_limits=type(limits)(**every))
    alice = a.register("alice")
    Invite(stranger, alice.user_id, "12").send()
    slow = Stranger(network, "slow.test", now_ms)
    one_more = Invite(stranger, alice.user_id, "12", depth=2)
    pdu = {**one_more.shown[1], "sender": slow.user_id}
    _, named = slow.sign(pdu, ROOM_VERSIONS["12"])
    with refused(429, "M_LIMIT_EXCEEDED"):
        one_more.send(invite_room_state=[one_more.shown[0], named])
    assert network.requests(A, slow.name) == []


def test_where_we_are_in_the_room_the_invite_is_signed_and_comes_by_the_room(
    a: Server, alice: User, stranger: Stranger
) -> None:
    room_id = rooms.create(alice)
    bob = a.register("bob")
    answer = stranger.join(A, room_id)
    state = {(one["type"], one["state_key"]): one for one in answer["state"]}
    flags = ROOM_VERSIONS["11"]
    join_id, _ = stranger.sign(answer["event"], flags)
    kinds = [("m.room.create", ""), ("m.room.power_levels", ""), ("m.room.join_rules", "")]
    cited = [stranger.sign(state[kind], flags)[0] for kind in kinds]
    pdu = membership_pdu(
        stranger.user_id,
        bob.user_id,
        "invite",
        room_id,
        prev_events=[join_id],
        auth_events=[*cited, join_id],
        depth=answer["event"]["depth"] + 1,
    )
    event_id, pdu = stranger.sign(pdu, flags)
    body = {"event": pdu, "room_version": "11", "invite_room_state": []}
    signed = stranger.client.send_invite_v2(A, room_id, event_id, body)["event"]
    assert signed["signatures"].keys() == {A, "stranger.test"}
    assert invites_of(bob) == {}
    with a.app.database.read() as txn:
        assert events.list_of_id(txn, event_id, 1) == []
    with refused(400, "M_INVALID_PARAM"):
        stranger.client.send_invite_v2(A, room_id, event_id, {**body, "room_version": "10"})
    # Then what the room says of servers holds.
    rooms.put_state(alice, room_id, "m.room.server_acl", {"allow": ["a.test"]})
    with refused(403, "M_FORBIDDEN"):
        stranger.client.send_invite_v2(A, room_id, event_id, body)


def test_in_version_12_what_is_shown_must_be_the_room(
    a: Server, alice: User, stranger: Stranger
) -> None:
    good = Invite(stranger, alice.user_id, "12")
    create, name = good.shown
    foreign = Invite(stranger, alice.user_id, "12", depth=3)
    foreign_create = {**foreign.shown[0], "origin_server_ts": 1}
    for shown in (
        None,
        [],
        [name],
        [{**create, "signatures": {}}, name],
        [{**create, "origin_server_ts": 1}, name],
        [foreign_create, name],
        [create, {**name, "room_id": ROOM}],
        [create, {"type": "m.room.topic", "state_key": "", "content": {}, "sender": "@a:b.test"}],
        [create] * (stripped_state.EVENTS_MAX + 1),
    ):
        with refused(400, "M_INVALID_PARAM"):
            good.send(invite_room_state=shown)
    for shown in ({}, [create, "m.room.name"]):
        with refused(400, "M_BAD_JSON"):
            good.send(invite_room_state=shown)
    assert invites_of(alice) == {}
    # A server whose keys nobody has any more does not stand in the way, and is not believed.
    gone = {**name, "sender": "@user:gone.test", "signatures": {"gone.test": {"ed25519:x": "AAAA"}}}
    good.send(invite_room_state=[create, gone])
    shown = invites_of(alice)[good.room_id]["invite_state"]["events"]
    assert [one["type"] for one in shown] == ["m.room.create", "m.room.member"]


def test_servers_that_show_rooms_of_version_12_like_all_others(
    a: Server, alice: User, stranger: Stranger
) -> None:
    invite = Invite(stranger, alice.user_id, "12")
    stripped = [
        {key: one[key] for key in ("type", "state_key", "content", "sender")}
        for one in invite.shown
    ]
    with refused(400, "M_INVALID_PARAM"):
        invite.send(invite_room_state=stripped[1:])
    invite.send(invite_room_state=stripped)
    shown = invites_of(alice)[invite.room_id]["invite_state"]["events"]
    assert shown[:-1] == stripped


def test_in_older_versions_what_is_not_shown_well_is_left_out(
    a: Server, alice: User, stranger: Stranger
) -> None:
    invite = Invite(stranger, alice.user_id, "11")
    invite.send(invite_room_state=[*invite.shown, {"type": "m.room.topic"}, {}])
    shown = invites_of(alice)[invite.room_id]["invite_state"]["events"]
    assert [one["type"] for one in shown] == ["m.room.create", "m.room.name", "m.room.member"]
