"""History that another server has: what is fetched of it when somebody of ours goes back there.
S-S API, "Backfilling and retrieving missing events".
"""

import time
from typing import Any
from urllib.parse import quote

import gevent
import pytest

from impl.outbound.wire import WireResponse
from impl.services.remote_history import backfill, gaps
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network

CLIENT = "/_matrix/client/v3"
A, B, C = "a.test", "b.test", "c.test"

Json = dict[str, Any]


def join(user: User, room_id: str, *via: str) -> None:
    answer = user.api.post(
        f"{CLIENT}/join/{quote(room_id, safe='')}", {}, user.access_token, {"via": list(via)}
    )
    assert answer.status == 200, answer


def page(user: User, room_id: str, **query: Any) -> Json:
    answer = user.get(rooms.path(room_id, "messages"), {"dir": "b", **query})
    assert answer.status == 200, answer
    return answer.json


def read_back(user: User, room_id: str, limit: int = 20, **query: Any) -> list[Json]:
    """All that there is, page by page, the newest first."""
    found: list[Json] = []
    token: Json = {}
    while True:
        answer = page(user, room_id, limit=limit, **query, **token)
        found += answer["chunk"]
        if "end" not in answer:
            return found
        assert answer["end"] != token.get("from")
        token = {"from": answer["end"]}


def ids(events: list[Json]) -> list[str]:
    return [one["event_id"] for one in events]


def bodies(events: list[Json]) -> list[str]:
    return [one["content"]["body"] for one in events if "body" in one["content"]]


@pytest.mark.parametrize("version", [str(number) for number in range(1, 13)])
def test_all_that_was_said_before_we_came_is_read(a: Server, b: Server, version: str) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice, version, name="Old")
    for number in range(30):
        rooms.say(alice, room_id, f"{number}")
        if number % 10 == 5:
            rooms.put_state(alice, room_id, "m.room.topic", {"topic": f"{number}"})
    join(bob, room_id, A)
    rooms.say(bob, room_id, "here")
    whole = ids(read_back(bob, room_id))
    assert whole[1:] == ids(read_back(alice, room_id))[-len(whole) + 1 :]
    assert len(whole) == 30 + 3 + 9


def test_the_first_sync_leads_into_it(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    said = [rooms.say(alice, room_id, f"{number}") for number in range(5)]
    since = bob.get(f"{CLIENT}/sync").json["next_batch"]
    join(bob, room_id, A)
    synced = bob.get(f"{CLIENT}/sync", {"since": since}).json
    timeline = synced["rooms"]["join"][room_id]["timeline"]
    assert [one["type"] for one in timeline["events"]] == ["m.room.member"]
    chunk = page(bob, room_id, **{"from": timeline["prev_batch"], "limit": 5})["chunk"]
    assert ids(chunk) == said[::-1]
    # Nobody is told of what was fetched, neither now nor anew.
    again = bob.get(f"{CLIENT}/sync", {"since": synced["next_batch"]}).json
    assert room_id not in again.get("rooms", {}).get("join", {})
    anew = bob.get(f"{CLIENT}/sync").json["rooms"]["join"][room_id]
    assert len(anew["timeline"]["events"]) == 1
    assert anew["unread_notifications"]["notification_count"] == 0
    chunk = page(bob, room_id, **{"from": anew["timeline"]["prev_batch"], "limit": 5})["chunk"]
    assert ids(chunk) == said[::-1]
    assert len(network.requests(B, A, "/backfill/")) == 1


def test_nobody_is_asked_where_nothing_is_missing(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    join(bob, room_id, A)
    read_back(alice, room_id)
    read_back(bob, room_id)
    asked = len(network.requests(B, A, "/backfill/"))
    assert asked == 1
    for number in range(30):
        rooms.say(bob, room_id, f"{number}")
    read_back(bob, room_id)
    page(bob, room_id, limit=0)
    assert len(network.requests(B, A, "/backfill/")) == asked
    assert network.requests(A, B, "/backfill/") == []


def test_a_long_history_comes_by_the_hundred(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    for number in range(260):
        rooms.say(alice, room_id, f"{number}")
    join(bob, room_id, A)
    asked = len(network.requests(B, A, "/state_ids/"))
    first = page(bob, room_id, limit=20)
    assert bodies(first["chunk"]) == [f"{number}" for number in range(259, 240, -1)]
    assert len(network.requests(B, A, "/backfill/")) == 1
    second = page(bob, room_id, limit=50, **{"from": first["end"]})
    assert bodies(second["chunk"]) == [f"{number}" for number in range(240, 190, -1)]
    assert len(network.requests(B, A, "/backfill/")) == 1
    assert bodies(read_back(bob, room_id, limit=100)) == [
        f"{number}" for number in range(259, -1, -1)
    ]
    # What is no state has its state from what stands on it: nobody is asked for one.
    assert len(network.requests(B, A, "/backfill/")) == 3
    assert len(network.requests(B, A, "/state_ids/")) == asked


def test_a_page_of_changes_takes_one_state(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    for number in range(150):
        rooms.put_state(alice, room_id, "m.room.topic", {"topic": f"{number}"})
    join(bob, room_id, A)
    asked = len(network.requests(B, A, "/state_ids/"))
    found = page(bob, room_id, limit=50)
    assert [one["content"].get("topic") for one in found["chunk"][1:]] == [
        f"{number}" for number in range(149, 100, -1)
    ]
    assert len(network.requests(B, A, "/backfill/")) == 1
    assert len(network.requests(B, A, "/state_ids/")) == asked + 1


def test_what_was_before_one_came_is_shown_as_the_room_has_it(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    visibility = {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
    room_id = rooms.create(alice, initial_state=[visibility])
    rooms.say(alice, room_id, "secret")
    shared = {"history_visibility": "shared"}
    rooms.put_state(alice, room_id, "m.room.history_visibility", shared)
    open_id = rooms.say(alice, room_id, "for all who come")
    join(bob, room_id, A)
    seen = read_back(bob, room_id)
    assert bodies(seen) == ["for all who come"]
    assert open_id in ids(seen)
    # Its content never came here at all.
    with b.app.database.read() as txn:
        txn.execute("SELECT count(*) FROM events WHERE pdu LIKE '%secret%'")
        assert txn.fetchone() == (0,)


def test_members_are_told_with_the_history_to_who_loads_them_lazily(a: Server, b: Server) -> None:
    alice, anna, bob = a.register("alice"), a.register("anna"), b.register("bob")
    room_id = rooms.create(alice)
    join(anna, room_id)
    rooms.say(anna, room_id, "I was here")
    assert rooms.act(alice, room_id, "kick", anna.user_id).status == 200
    join(bob, room_id, A)
    answer = page(bob, room_id, limit=20, filter='{"lazy_load_members": true}')
    assert "I was here" in bodies(answer["chunk"])
    told = {one["state_key"]: one for one in answer["state"]}
    assert anna.user_id in told


def test_members_are_told_as_they_were_at_a_place_in_history(a: Server, b: Server) -> None:
    alice, anna, bob = a.register("alice"), a.register("anna"), b.register("bob")
    room_id = rooms.create(alice)
    join(anna, room_id)
    rooms.say(anna, room_id, "I was here")
    assert rooms.act(alice, room_id, "kick", anna.user_id).status == 200
    rooms.say(alice, room_id, "not any more")
    join(bob, room_id, A)

    def joined(at: str) -> set[str]:
        query = {"at": at, "membership": "join"}
        answer = bob.get(rooms.path(room_id, "members"), query)
        assert answer.status == 200, answer
        return {one["state_key"] for one in answer.json["chunk"]}

    first = page(bob, room_id, limit=2)
    assert bodies(first["chunk"]) == ["not any more"]
    assert joined(first["end"]) == {alice.user_id}
    second = page(bob, room_id, limit=1, **{"from": first["end"]})
    assert joined(second["end"]) == {alice.user_id, anna.user_id}


def test_the_context_of_the_first_event_that_is_here_goes_back(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    said = [rooms.say(alice, room_id, f"{number}") for number in range(5)]
    join(bob, room_id, A)
    own = page(bob, room_id, limit=1)["chunk"][0]["event_id"]
    around = bob.get(rooms.path(room_id, f"context/{quote(own)}"), {"limit": 6}).json
    assert ids(around["events_before"]) == said[:1:-1]
    rest = page(bob, room_id, **{"from": around["start"], "limit": 2})
    assert ids(rest["chunk"]) == said[1::-1]


def test_relations_come_with_history(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    said = rooms.say(alice, room_id, "first")
    edit = {
        "msgtype": "m.text",
        "body": "* second",
        "m.new_content": {"msgtype": "m.text", "body": "second"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": said},
    }
    alice.put(rooms.path(room_id, "send/m.room.message/edit"), edit)
    join(bob, room_id, A)
    found = {one["event_id"]: one for one in read_back(bob, room_id)}
    bundled = found[said]["unsigned"]["m.relations"]["m.replace"]
    assert bundled["content"]["m.new_content"]["body"] == "second"


def test_history_is_found_by_search(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    said = rooms.say(alice, room_id, "pomegranate")
    join(bob, room_id, A)
    read_back(bob, room_id)
    body = {"search_categories": {"room_events": {"search_term": "pomegranate"}}}
    found = bob.post(f"{CLIENT}/search", body).json["search_categories"]["room_events"]
    assert [one["result"]["event_id"] for one in found["results"]] == [said]


def test_the_next_server_is_asked_where_one_is_away(
    a: Server, b: Server, new_server: Servers, network: Network
) -> None:
    c = new_server(C)
    alice, bob, carol = a.register("alice"), b.register("bob"), c.register("carol")
    room_id = rooms.create(alice)
    said = [rooms.say(alice, room_id, f"{number}") for number in range(3)]
    join(carol, room_id, A)
    read_back(carol, room_id)
    join(bob, room_id, C)
    network.cut(A, B)
    assert [one for one in ids(read_back(bob, room_id)) if one in said] == said[::-1]


def test_where_nobody_answers_the_page_ends_and_may_go_on_later(
    a: Server, new_server: Servers, network: Network
) -> None:
    ahead = [0]
    b = new_server(B, now_ms=lambda: time.time_ns() // 1_000_000 + ahead[0])
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    said = rooms.say(alice, room_id, "old")
    join(bob, room_id, A)
    network.cut(A, B)
    answer = page(bob, room_id)
    assert len(answer["chunk"]) == 1
    # Nothing is waited for twice.
    asked = len(network.requests(B, A, "/backfill/"))
    assert ids(page(bob, room_id)["chunk"]) == ids(answer["chunk"])
    assert len(network.requests(B, A, "/backfill/")) == asked
    network.mend(A, B)
    ahead[0] = gaps.PAUSE_MS + 1
    b.app.federation.check_worth = lambda destination: None
    assert said in ids(page(bob, room_id)["chunk"])


def test_two_who_come_to_one_place_ask_once(a: Server, b: Server, network: Network) -> None:
    alice, bob, berta = a.register("alice"), b.register("bob"), b.register("berta")
    room_id = rooms.create(alice)
    rooms.say(alice, room_id, "old")
    join(bob, room_id, A)
    join(berta, room_id)
    gate = network.hold(B, A, "/backfill/")
    pages = [gevent.spawn(read_back, user, room_id) for user in (bob, berta)]
    gate.wait()
    gevent.sleep(0.05)
    gate.open()
    gevent.joinall(pages)
    assert all("old" in bodies(one.get()) for one in pages)
    assert len(network.requests(B, A, "/backfill/")) == 1


def test_who_gives_up_waiting_finds_it_later(
    a: Server, b: Server, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    rooms.say(alice, room_id, "old")
    join(bob, room_id, A)
    gate = network.hold(B, A, "/backfill/")
    monkeypatch.setattr(backfill, "WAIT_S", 0.05)
    first = page(bob, room_id)
    assert bodies(first["chunk"]) == []
    monkeypatch.undo()
    gate.open()
    assert "old" in bodies(read_back(bob, room_id))
    assert len(network.requests(B, A, "/backfill/")) == 1


def test_the_fetched_is_told_to_others_in_turn(
    a: Server, b: Server, new_server: Servers, network: Network
) -> None:
    c = new_server(C)
    alice, bob, carol = a.register("alice"), b.register("bob"), c.register("carol")
    room_id = rooms.create(alice)
    said = rooms.say(alice, room_id, "old")
    join(bob, room_id, A)
    read_back(bob, room_id)
    join(carol, room_id, B)
    network.handlers[A] = lambda *_: WireResponse(500, {}, b"{}")
    assert said in ids(read_back(carol, room_id))


def test_a_room_that_we_left_asks_nobody(a: Server, b: Server, network: Network) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    join(bob, room_id, A)
    assert bob.post(rooms.path(room_id, "leave"), {}).status == 200
    read_back(bob, room_id)
    assert network.requests(B, A, "/backfill/") == []
