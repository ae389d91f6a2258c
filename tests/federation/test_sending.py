"""Servers that tell each other, by their senders and the real PUT /send: in order, after an outage,
everything that there is to tell.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from impl.services.sending.sender import Sender
from tests.api.api_client import User
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.services.sending.world import Clock, settle

CLIENT = "/_matrix/client/v3"
DAY_MS = 86_400_000

_txn_ids = map(str, itertools.count())


@dataclass
class Site:
    """A server with its sender, and somebody on it."""

    server: Server
    sender: Sender
    user: User

    @property
    def name(self) -> str:
        return self.server.name


@dataclass
class Sites:
    network: Network
    clock: Clock
    all: list[Site]

    def settle(self) -> None:
        """Let everybody tell everything."""
        for _ in range(3):
            for site in self.all:
                settle(site.sender)

    def let_pass(self, ms: int) -> None:
        self.clock.advance(ms)
        self.settle()


@pytest.fixture
def sites(new_server: Callable[..., Server], network: Network) -> Iterator[Sites]:
    """Alice on a.test, Bob on b.test and Carol on c.test."""
    clock = Clock()
    made = []
    for name, person in (("a.test", "alice"), ("b.test", "bob"), ("c.test", "carol")):
        server = new_server(name, now_ms=clock)
        made.append(Site(server, Sender(server.app), server.register(person)))
    yield Sites(network, clock, made)
    for site in made:
        site.sender.stop(5.0)


def path(room_id: str, *rest: str) -> str:
    return "/".join([f"{CLIENT}/rooms/{quote(room_id, safe='')}", *rest])


def a_room(sites: Sites, *joining: int, **options: Any) -> str:
    """Alice's, with some others in it."""
    room_id = sites.all[0].user.create_room(preset="public_chat", **options)
    for number in joining:
        user = sites.all[number].user
        answer = user.api.post(
            f"{CLIENT}/join/{quote(room_id, safe='')}",
            {},
            user.access_token,
            {"via": ["a.test"]},
        )
        assert answer.status == 200, answer
        sites.settle()
    return room_id


def say(user: User, room_id: str, text: str) -> str:
    answer = user.put(
        path(room_id, "send/m.room.message", next(_txn_ids)), {"msgtype": "m.text", "body": text}
    )
    assert answer.status == 200, answer
    return str(answer.json["event_id"])


def heard(user: User, room_id: str) -> list[str]:
    """What was said, in the order in which this user sees it."""
    answer = user.get(path(room_id, "messages"), {"dir": "b", "limit": 100})
    assert answer.status == 200, answer
    said = [one["content"]["body"] for one in answer.json["chunk"] if "body" in one["content"]]
    return said[::-1]


def state_of(user: User, room_id: str) -> dict[tuple[str, str], str]:
    answer = user.get(path(room_id, "state"))
    assert answer.status == 200, answer
    return {(one["type"], one["state_key"]): one["event_id"] for one in answer.json}


@pytest.mark.parametrize("version", ["1", "6", "11", "12"])
def test_three_servers_talk(sites: Sites, version: str) -> None:
    room_id = a_room(sites, 1, 2, room_version=version)
    alice, bob, carol = (site.user for site in sites.all)
    for number, user in enumerate([alice, bob, carol, bob, alice, alice, carol]):
        say(user, room_id, str(number))
        sites.settle()
    for user in (alice, bob, carol):
        assert heard(user, room_id) == [str(number) for number in range(7)]
        assert state_of(user, room_id) == state_of(alice, room_id)


def test_a_kick_is_heard_of_by_who_is_kicked(sites: Sites) -> None:
    room_id = a_room(sites, 1, 2)
    alice, bob, carol = (site.user for site in sites.all)
    assert alice.post(path(room_id, "kick"), {"user_id": bob.user_id}).status == 200
    say(alice, room_id, "without bob")
    sites.settle()
    assert bob.get(f"{CLIENT}/joined_rooms").json["joined_rooms"] == []
    assert heard(bob, room_id) == []
    assert heard(carol, room_id) == ["without bob"]
    assert state_of(carol, room_id) == state_of(alice, room_id)


def test_who_wrote_on_both_sides_of_a_cut_agrees_in_the_end(sites: Sites) -> None:
    room_id = a_room(sites, 1)
    alice, bob = sites.all[0].user, sites.all[1].user
    say(alice, room_id, "first")
    sites.settle()
    sites.network.cut("a.test", "b.test")
    for number in range(5):
        say(alice, room_id, f"alice {number}")
        say(bob, room_id, f"bob {number}")
        alice.put(path(room_id, "state/m.room.topic"), {"topic": f"by alice {number}"})
        sites.let_pass(120_000)
    assert [one for one in heard(bob, room_id) if one.startswith("alice")] == []
    sites.network.mend("a.test", "b.test")
    sites.let_pass(DAY_MS)
    for user in (alice, bob):
        said = heard(user, room_id)
        assert sorted(said) == sorted(
            ["first", *(f"{who} {n}" for who in ("alice", "bob") for n in range(5))]
        )
        assert [one for one in said if one.startswith("alice")] == [f"alice {n}" for n in range(5)]
    assert state_of(bob, room_id) == state_of(alice, room_id)


def test_nothing_is_said_twice_when_answers_are_lost(sites: Sites) -> None:
    room_id = a_room(sites, 1)
    alice, bob = sites.all[0].user, sites.all[1].user
    for number in range(3):
        sites.network.lose_next_answer("a.test", "b.test")
        say(alice, room_id, str(number))
        sites.let_pass(10_000)
        sites.let_pass(60_000)
    sites.let_pass(DAY_MS)
    assert heard(bob, room_id) == ["0", "1", "2"]


def sync(user: User, since: str | None = None) -> dict[str, Any]:
    answer = user.get(f"{CLIENT}/sync", {"timeout": 0} | ({"since": since} if since else {}))
    assert answer.status == 200, answer
    return answer.json  # type: ignore[no-any-return]


def ephemeral(synced: dict[str, Any], room_id: str, kind: str) -> list[dict[str, Any]]:
    room = synced["rooms"]["join"].get(room_id, {"ephemeral": {"events": []}})
    return [one["content"] for one in room["ephemeral"]["events"] if one["type"] == kind]


def test_what_is_no_event_comes_too(sites: Sites) -> None:
    room_id = a_room(sites, 1)
    alice, bob = sites.all[0].user, sites.all[1].user
    event_id = say(bob, room_id, "hello")
    sites.settle()
    since = sync(bob)["next_batch"]
    alice.put(path(room_id, "typing", quote(alice.user_id)), {"typing": True, "timeout": 30_000})
    alice.post(path(room_id, "receipt/m.read", quote(event_id)), {})
    alice.put(
        f"{CLIENT}/presence/{quote(alice.user_id)}/status",
        {"presence": "online", "status_msg": "here"},
    )
    alice.put(
        f"{CLIENT}/sendToDevice/m.secret/{next(_txn_ids)}",
        {"messages": {bob.user_id: {"*": {"secret": 7}}}},
    )
    sites.settle()
    synced = sync(bob, since)
    assert ephemeral(synced, room_id, "m.typing") == [{"user_ids": [alice.user_id]}]
    (receipt,) = ephemeral(synced, room_id, "m.receipt")
    assert list(receipt[event_id]["m.read"]) == [alice.user_id]
    (presence,) = [one for one in synced["presence"]["events"] if one["sender"] == alice.user_id]
    assert presence["content"]["status_msg"] == "here"
    (message,) = synced["to_device"]["events"]
    assert message == {"type": "m.secret", "sender": alice.user_id, "content": {"secret": 7}}


def test_to_device_messages_come_once_and_in_order_after_an_outage(sites: Sites) -> None:
    a_room(sites, 1)
    alice, bob = sites.all[0].user, sites.all[1].user
    since = sync(bob)["next_batch"]
    sites.network.cut("a.test", "b.test")
    for number in range(20):
        alice.put(
            f"{CLIENT}/sendToDevice/m.secret/{next(_txn_ids)}",
            {"messages": {bob.user_id: {"*": {"n": number}}}},
        )
        sites.let_pass(60_000)
    sites.network.mend("a.test", "b.test")
    sites.network.lose_next_answer("a.test", "b.test")
    sites.let_pass(DAY_MS)
    sites.let_pass(DAY_MS)
    told = [one["content"]["n"] for one in sync(bob, since)["to_device"]["events"]]
    assert told == list(range(20))
