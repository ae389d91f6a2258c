"""Messages that have expired, among servers: what we serve, and what we fetch of others'."""

import time
from typing import Any
from urllib.parse import quote

import pytest

from impl.config.retention import Retention
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger, refused
from tests.retained import DAY_MS, HOUR_MS, purge

Json = dict[str, Any]
A, B = "a.test", "b.test"
CLIENT = "/_matrix/client/v3"
ENABLED = Retention(enabled=True)


class Clock:
    """Of all servers."""

    def __init__(self) -> None:
        self.ms = time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def a(new_server: Servers, clock: Clock) -> Server:
    return new_server(A, clock, retention=ENABLED)


@pytest.fixture
def stranger(network: Network, clock: Clock) -> Stranger:
    return Stranger(network, "stranger.test", clock)


def bodies(pdus: list[Json]) -> list[str]:
    return [one["content"]["body"] for one in pdus if "body" in one["content"]]


def read_back(user: User, room_id: str, **query: Any) -> list[Json]:
    """All that there is, page by page, the newest first."""
    found: list[Json] = []
    token: Json = {}
    while True:
        path = rooms.path(room_id, "messages")
        answer = user.get(path, {"dir": "b", "limit": 20, **query, **token})
        assert answer.status == 200, answer
        found += answer.json["chunk"]
        if "end" not in answer.json:
            return found
        token = {"from": answer.json["end"]}


def join(user: User, room_id: str, via: str) -> None:
    answer = user.post(f"{CLIENT}/join/{quote(room_id, safe='')}?via={via}", {})
    assert answer.status == 200, answer


@pytest.mark.parametrize("version", ["1", "11", "12"])
def test_what_is_deleted_other_servers_are_answered_without(
    a: Server, stranger: Stranger, clock: Clock, version: str
) -> None:
    alice = a.register("alice")
    room_id = rooms.create(alice, version)
    rooms.put_state(alice, room_id, "m.room.retention", {"max_lifetime": HOUR_MS})
    stranger.join(A, room_id)
    old = [rooms.say(alice, room_id, f"old {n}") for n in range(5)]
    topic = rooms.put_state(alice, room_id, "m.room.topic", {"topic": "stays"})
    client = stranger.client
    clock.ms += HOUR_MS + 1
    new = rooms.say(alice, room_id, "new")
    # Whoever has another policy is served what there is.
    assert bodies(client.backfill_room(A, room_id, [new], 3)["pdus"]) == ["new", "old 4"]
    purge(a.app)

    assert bodies(client.backfill_room(A, room_id, [new], 100)["pdus"]) == ["new"]
    assert client.backfill_room(A, room_id, [old[3]], 100)["pdus"] == []
    missing = client.get_missing_previous_events(
        A, room_id, {"earliest_events": [], "latest_events": [new], "limit": 20}
    )
    assert [one["type"] for one in missing["events"]] == ["m.room.topic"]
    for ask in (client.get_event, lambda *a: client.get_room_state_ids(a[0], room_id, a[1])):
        with refused(404, "M_NOT_FOUND"):
            ask(A, old[0])
    assert bodies(client.get_event(A, new)["pdus"]) == ["new"]
    before = client.get_room_state_ids(A, room_id, new)["pdu_ids"]
    assert topic in before and not set(old) & set(before)
    # A server that refers to what is gone is answered, and one that comes in gets all it needs.
    said = stranger.say(A, room_id, "m.room.message", {"body": "hello"})
    assert stranger.join(A, room_id, "@another:stranger.test")["state"]
    assert bodies(client.backfill_room(A, room_id, [said], 100)["pdus"]) == ["hello", "new"]
    assert bodies(read_back(alice, room_id)) == ["hello", "new"]


def test_an_event_that_comes_again_is_hidden_notifies_nobody_and_goes_again(
    a: Server, stranger: Stranger, clock: Clock
) -> None:
    alice = a.register("alice")
    room_id = rooms.create(alice)
    rooms.put_state(alice, room_id, "m.room.retention", {"max_lifetime": HOUR_MS})
    stranger.join(A, room_id)
    since = alice.get(f"{CLIENT}/sync").json["next_batch"]
    old = stranger.say(
        A, room_id, "m.room.message", {"body": "old"}, origin_server_ts=clock.ms - DAY_MS
    )
    rooms.put_state(alice, room_id, "m.room.topic", {"topic": "t"})
    room = alice.get(f"{CLIENT}/sync", {"since": since}).json["rooms"]["join"][room_id]
    assert [one["type"] for one in room["timeline"]["events"]] == ["m.room.topic"]
    assert room["unread_notifications"]["notification_count"] == 0
    assert alice.get(rooms.path(room_id, f"event/{quote(old)}")).status == 404
    purge(a.app)
    # The topic stands on it: it is there for as long as that is new, and says nothing.
    assert stranger.client.get_room_state_ids(A, room_id, old)["pdu_ids"]
    (left,) = stranger.client.get_event(A, old)["pdus"]
    assert left["content"] == {}
    clock.ms += HOUR_MS + 1
    purge(a.app)
    with refused(404, "M_NOT_FOUND"):
        stranger.client.get_event(A, old)


def test_expired_history_is_neither_shown_nor_kept_nor_fetched_again(
    a: Server, new_server: Servers, network: Network, clock: Clock
) -> None:
    b = new_server(B, clock, retention=ENABLED)
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    for number in range(120):
        rooms.say(alice, room_id, f"old {number}")
    rooms.put_state(alice, room_id, "m.room.retention", {"max_lifetime": HOUR_MS})
    clock.ms += HOUR_MS + 1
    for number in range(3):
        rooms.say(alice, room_id, f"new {number}")
    join(bob, room_id, A)

    def asked() -> int:
        return len(network.requests(B, A, "/backfill/"))

    # What is new is fetched, and what came with it of the old is not shown.
    assert bodies(read_back(bob, room_id)) == ["new 2", "new 1", "new 0"]
    # Below that nobody asks.
    assert asked() == 1 and bodies(read_back(bob, room_id)) and asked() == 1

    def old_ones() -> int:
        with b.app.database.read() as txn:
            txn.execute("SELECT count(*) FROM events WHERE pdu LIKE '%%\"old %%'", ())
            return int(txn.fetchone()[0])

    assert old_ones() > 50
    purge(b.app)
    assert old_ones() == 0
    assert bodies(read_back(bob, room_id)) == ["new 2", "new 1", "new 0"]
    assert old_ones() == 0 and asked() == 1
    rooms.say(bob, room_id, "newest")
    assert bodies(read_back(bob, room_id))[0] == "newest"


@pytest.mark.parametrize(("lifetime", "found"), [(HOUR_MS, []), (DAY_MS, ["old"])])
def test_where_all_below_has_expired_nobody_asks(
    a: Server,
    new_server: Servers,
    network: Network,
    clock: Clock,
    lifetime: int,
    found: list[str],
) -> None:
    b = new_server(B, clock, retention=Retention(enabled=True, max_lifetime=lifetime))
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    rooms.say(alice, room_id, "old")
    join(bob, room_id, A)
    clock.ms += HOUR_MS + 1
    assert bodies(read_back(bob, room_id)) == found
    assert len(network.requests(B, A, "/backfill/")) == len(found)


@pytest.mark.parametrize("version", ["1", "11", "12"])
def test_what_was_redacted_is_served_to_nobody_as_it_was(
    a: Server, stranger: Stranger, version: str
) -> None:
    alice = a.register("alice")
    room_id = rooms.create(alice, version)
    secret = "not for everybody"
    said = rooms.say(alice, room_id, secret)
    topic = rooms.put_state(alice, room_id, "m.room.topic", {"topic": secret})
    name = {"membership": "join", "displayname": secret}
    rooms.put_state(alice, room_id, "m.room.member", name, alice.user_id)
    own = rooms.get_state(alice, room_id, "m.room.member", alice.user_id)
    assert own.json["displayname"] == secret
    state = alice.get(rooms.path(room_id, "state")).json
    (member,) = [one["event_id"] for one in state if one["content"].get("displayname") == secret]
    last = ""
    for event_id in (said, topic, member):
        last = rooms.redact(alice, room_id, event_id)
    join_answer = stranger.join(A, room_id)
    client = stranger.client
    gap = {"earliest_events": [], "latest_events": [last], "limit": 20}
    answers = [
        join_answer,
        client.get_event(A, said),
        client.get_event(A, topic),
        client.get_event(A, member),
        client.backfill_room(A, room_id, [last], 100),
        client.get_missing_previous_events(A, room_id, gap),
        client.get_room_state(A, room_id, last),
        client.get_event_auth(A, room_id, last),
    ]
    for answer in answers:
        assert answer and secret not in str(answer)
    assert len(answers[4]["pdus"]) > 8 and len(answers[5]["events"]) > 4
