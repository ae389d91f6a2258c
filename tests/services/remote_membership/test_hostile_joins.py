"""Servers that answer a join with what is no room, or not that one: nobody is in it then, and what
is no good of an answer is left out of one that is.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from impl import errors
from impl.app import App
from impl.core import signing
from impl.core.event import Event as MatrixEvent
from impl.outbound.json_answer import VALUES_FREE
from impl.services.remote_membership import asking, taking_in
from impl.services.remote_membership import join as remote_join
from impl.storage import room_servers
from tests.api.api_client import User
from tests.builders import member, message
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.large_rooms import joining
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site
from tests.services.remote_membership.resident import Resident, join
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    KEY,
    a_room_of_theirs,
    topic,
)
from tests.services.room_events.inspection import head_of

Json = dict[str, Any]
Told = Json


def signed(resident: Resident, pdu: Json, **fields: Any) -> Json:
    """As the other server would send it."""
    pdu = {**pdu, **fields, "signatures": {}}
    pdu.pop("hashes", None)
    return signing.sign_event(pdu, resident.room.version, ELSEWHERE, KEY)


def without(told: Told, resident: Resident, *event_types: str) -> None:
    for name in ("state", "auth_chain"):
        told[name] = [one for one in told[name] if one["type"] not in event_types]


def forged(told: Told, resident: Resident, event_type: str) -> None:
    for one in (*told["state"], *told["auth_chain"]):
        if one["type"] == event_type:
            one["signatures"] = {ELSEWHERE: {"ed25519:else": "AAAA"}}


def of_key(resident: Resident, event_type: str, **fields: Any) -> Json:
    state = resident.told["state"]
    return signed(resident, state[resident.index(event_type)], **fields)


# Of each there is no room in it, or none that allows our event.
NO_ROOM: dict[str, Callable[[Told, Resident], object]] = {
    "nothing": lambda told, _: told.clear(),
    "no lists": lambda told, _: told.update(state={}, auth_chain="x"),
    "empty lists": lambda told, _: told.update(state=[], auth_chain=[]),
    "nonsense": lambda told, _: told.update(state=[1, None, [], {}], auth_chain=[{"type": 1}]),
    "no create event": lambda told, one: without(told, one, "m.room.create"),
    "a forged create event": lambda told, one: forged(told, one, "m.room.create"),
    "no join rules": lambda told, one: without(told, one, "m.room.join_rules"),
    "no levels": lambda told, one: without(told, one, "m.room.power_levels"),
    "forged join rules": lambda told, one: forged(told, one, "m.room.join_rules"),
    "nobody's levels": lambda told, one: without(told, one, "m.room.member"),
    "an empty chain and state": lambda told, _: told.update(state=told["state"][:1], auth_chain=[]),
    "the room of others": lambda told, _: told.update(
        state=[{**one, "room_id": "!else:evil.test"} for one in told["state"]]
    ),
    "a key twice": lambda told, one: told["state"].append(
        of_key(one, "m.room.join_rules", content={"join_rule": "public", "again": True})
    ),
    "two rooms in one": lambda told, one: told["state"].append(
        of_key(one, "m.room.create", content={"room_version": "11", "again": True})
    ),
    "a create event that stands on something": lambda told, one: told["state"].__setitem__(
        one.index("m.room.create"), of_key(one, "m.room.create", prev_events=[one.room.last])
    ),
}


def test_where_there_is_no_room_nobody_is_in_it(
    bob: User, resident: Resident, clock: Clock
) -> None:
    honest = copy.deepcopy(resident.told)
    for what, spoil in NO_ROOM.items():
        clock.now_ms += 1
        resident.told = copy.deepcopy(honest)
        spoil(resident.told, resident)
        answer = join(bob, resident.room_id)
        assert answer.status == 502, (what, answer)
        assert ELSEWHERE in answer.json["error"] and len(answer.json["error"]) < 2_000
        assert bob.get("/_matrix/client/v3/joined_rooms").json == {"joined_rooms": []}, what
    # And none of this is in the way of who comes in by an honest answer.
    clock.now_ms += 1
    resident.told = honest
    assert join(bob, resident.room_id).status == 200
    assert state_ids(bob, resident.room_id).keys() == {
        *resident.state,
        ("m.room.member", bob.user_id),
    }


def test_members_that_are_wanted_are_not_left_out(app: App, bob: User, resident: Resident) -> None:
    app.config = replace(app.config, soma=joining(app.config, omit_members=False))
    resident.told["state"].pop(resident.index("m.room.member"))
    resident.told |= {"members_omitted": True, "servers_in_room": [ELSEWHERE]}
    answer = join(bob, resident.room_id)
    assert answer.status == 502 and "nobody asked for" in answer.json["error"]
    assert bob.get("/_matrix/client/v3/joined_rooms").json == {"joined_rooms": []}


def state_ids(user: User, room_id: str) -> dict[tuple[str, str], str]:
    answer = user.get(rooms.path(room_id, "state"))
    return {(one["type"], one["state_key"]): one["event_id"] for one in answer.json}


def test_what_is_no_good_of_a_state_is_left_out(
    app: App, bob: User, resident: Resident, site: Site
) -> None:
    room, told = resident.room, resident.told
    other = a_room_of_theirs(name="other")
    not_allowed = room.add(topic(FRANK, "not in the room"))
    cited = [one.event_id for one in (room.events[room.last], other.create)]
    state = [
        not_allowed.pdu,
        # Of another room, with a hash of something else, signed by nobody, no state, nonsense.
        other.events[other.after(other.last)["m.room.member", EVELYN]].pdu,
        {**room.add(topic(DAVE, "hashed")).pdu, "hashes": {"sha256": "A" * 43}, "signatures": {}},
        {**room.add(member(FRANK, "join")).pdu, "signatures": {}},
        room.add(message(EVELYN, "no state")).pdu,
        signed(resident, not_allowed.pdu, auth_events=cited, state_key="of another room"),
        {"type": "m.room.name", "state_key": ""},
        {"deep": json.loads("[" * 150 + "]" * 150)},
        17,
        {},
    ]
    told["state"] += state
    told["auth_chain"] += [*state, *told["state"], *told["auth_chain"]]
    assert join(bob, resident.room_id).status == 200
    found = state_ids(bob, resident.room_id)
    assert found.pop(("m.room.member", bob.user_id))
    assert found == resident.state


@pytest.mark.parametrize("version", ["1", "2"])
def test_events_that_cite_each_other_in_a_circle_are_left_out(
    bob: User, site: Site, version: str
) -> None:
    """In these versions who makes an event chooses its id."""
    resident = Resident(site, a_room_of_theirs(version))
    told = resident.told
    base = told["state"][resident.index("m.room.join_rules")]
    names = [f"${name}:{ELSEWHERE}" for name in ("a", "b", "c")]
    for name, cited in zip(names, [*names[1:], names[0]], strict=True):
        circle = {"type": "m.room.topic", "event_id": name, "state_key": name}
        references = [*base["auth_events"], [cited, {"sha256": "AAAA"}]]
        told["state"].append(signed(resident, base, **circle, auth_events=references))
    itself = {"event_id": "$itself:" + ELSEWHERE, "auth_events": [["$itself:" + ELSEWHERE, {}]]}
    told["state"].append(signed(resident, base, type="m.room.name", **itself))
    assert join(bob, resident.room_id).status == 200
    found = state_ids(bob, resident.room_id)
    assert found.pop(("m.room.member", bob.user_id))
    assert found == resident.state


def test_a_chain_without_end_is_walked_without_recursion(bob: User, resident: Resident) -> None:
    """Each event cites the one before it; the last one cites what is not there."""
    base = resident.told["state"][resident.index("m.room.join_rules")]
    cited, chain = f"${'x' * 43}", []
    for number in range(1_100):
        pdu = signed(resident, base, auth_events=[cited], state_key=f"{number}")
        cited = MatrixEvent.from_pdu(pdu, resident.room.version).event_id
        chain.append(pdu)
    resident.told["auth_chain"] += chain
    assert join(bob, resident.room_id).status == 200


@pytest.mark.parametrize("returned", [{}, None, "x", {"content": {"membership": "leave"}}])
def test_our_event_is_what_we_signed(bob: User, resident: Resident, returned: Any) -> None:
    resident.told["event"] = returned
    assert join(bob, resident.room_id).status == 200
    content = rooms.get_state(bob, resident.room_id, "m.room.member", bob.user_id).json
    assert content["membership"] == "join"


def test_who_vouches_returns_the_event_that_was_sent(bob: User, resident: Resident) -> None:
    resident.content = {"join_authorised_via_users_server": DAVE}
    for returned in ({}, resident.told["state"][0], {"content": {"membership": "leave"}}, None):
        resident.told["event"] = returned
        answer = join(bob, resident.room_id)
        assert answer.status in (502, 200)
        assert (answer.status == 502) is (returned is not None)


def test_a_room_that_is_known_is_of_the_version_that_it_is_of(
    server: Server, bob: User, resident: Resident, site: Site
) -> None:
    assert join(bob, resident.room_id).status == 200
    assert bob.post(rooms.path(resident.room_id, "leave"), {}).status == 200
    other = Resident(site, a_room_of_theirs("9"))
    assert other.room_id == resident.room_id
    answer = join(bob, resident.room_id)
    assert answer.status == 502 and "version" in answer.json["error"]
    assert rooms.membership(bob, resident.room_id, bob.user_id) in (None, "leave")


def test_names_of_servers_are_names_and_not_too_many(
    app: App, bob: User, resident: Resident, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "SERVERS_MAX", 50)
    network.hold(app.server_name, ELSEWHERE, "/state")  # That is where the members come from.
    del resident.told["state"][-1]
    nonsense = [1, None, "a b", {}, [], "x" * 300, "@a:b.test", app.server_name, "good.test"]
    for names in (None, {}, "x", [f"{number}.test" for number in range(51)]):
        resident.told |= {"members_omitted": True, "servers_in_room": names}
        assert join(bob, resident.room_id).status == 502
    resident.told["servers_in_room"] = nonsense
    assert join(bob, resident.room_id).status == 200
    nid = head_of(app, resident.room_id).room.room_nid
    with app.database.read() as txn:
        assert room_servers.list_of_room(txn, nid) == [ELSEWHERE, "good.test"]


def test_an_answer_of_more_values_than_a_room_has_is_not_read(
    bob: User, resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bomb in (b"[]", b"0", b'{"":{}}', b'""'):
        many = b",".join([bomb] * (2 * VALUES_FREE))
        resident.raw = b'{"state":[' + many + b'],"auth_chain":[]}'
        answer = join(bob, resident.room_id)
        assert answer.status == 502


def test_so_many_joins_are_under_way_and_no_more(
    server: Server, bob: User, site: Site, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_join, "JOINS_OF_USER_MAX", 2)
    monkeypatch.setattr(remote_join, "JOINS_MAX", 3)
    residents = [Resident(site, a_room_of_theirs(name=f"room{number}")) for number in range(4)]
    gate = network.hold(server.name, ELSEWHERE, "/make_join/")
    first, second, third, fourth = (one.room_id for one in residents)
    running = [gevent.spawn(join, bob, one) for one in (first, second)]
    gate.wait(2)
    answer = join(bob, third)
    assert (answer.status, answer.json["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    carl, dora = server.register("carl"), server.register("dora")
    running.append(gevent.spawn(join, carl, third))
    gate.wait(3)
    assert join(dora, fourth).status == 429
    gate.open()
    assert [one.get().status for one in running] == [200, 200, 200]
    assert join(dora, fourth).status == 200


class Held:
    """A step of taking in rooms that does not go on before it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        self.rooms: list[str] = []
        self.going_on = Event()
        self._real = getattr(taking_in, step)
        monkeypatch.setattr(taking_in, step, self._do)

    def _do(self, app: App, server: str, told: Any, *rest: Any) -> Any:
        room_id = told if isinstance(told, str) else told.room_id
        if room_id not in self.rooms:
            self.rooms.append(room_id)
            self.going_on.wait()
        return self._real(app, server, told, *rest)

    def wait(self, count: int) -> None:
        """Until so many are there, and no more."""
        with gevent.Timeout(20):
            while len(self.rooms) < count:
                gevent.sleep(0.01)
        gevent.sleep(0.1)
        assert len(self.rooms) == count


@pytest.mark.parametrize("step", ["take_in", "read"])
def test_so_many_rooms_are_kept_or_read_at_the_same_time(
    bob: User, site: Site, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(remote_join, "SMALL_BYTES", 0)
    monkeypatch.setattr(remote_join, "READ_AT_ONCE", 5)
    held = Held(monkeypatch, step)
    residents = [
        Resident(site, a_room_of_theirs("12", name=f"room{number}")) for number in range(6)
    ]
    running = [gevent.spawn(join, bob, one.room_id) for one in residents]
    held.wait(remote_join.TAKEN_IN_AT_ONCE if step == "take_in" else 5)
    held.going_on.set()
    assert [one.get().status for one in running] == [200] * len(residents)


@pytest.mark.parametrize("step", ["read", "with_cited"])
def test_rooms_whose_keys_do_not_come_keep_no_small_ones_waiting(
    bob: User, resident: Resident, site: Site, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Nor those of which something does not come that our own event cites."""
    monkeypatch.setattr(remote_join, "READ_AT_ONCE", 2)
    assert remote_join.TAKEN_IN_AT_ONCE < 6
    held = Held(monkeypatch, step)
    bad = [Resident(site, a_room_of_theirs("12", name=f"room{number}")) for number in range(6)]
    running = [gevent.spawn(join, bob, one.room_id) for one in bad]
    held.wait(len(bad))
    held.rooms.append(resident.room_id)
    assert join(bob, resident.room_id).status == 200
    assert not any(one.ready() for one in running)
    held.going_on.set()
    assert [one.get().status for one in running] == [200] * len(bad)


def test_whoever_waits_for_another_worker_looks_less_and_less_often(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look is a new connection to the database."""
    joins, pauses = remote_join.Joins(app), []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) < 8

    monkeypatch.setattr(app, "pause", pause)
    other = remote_join.Joins(app)
    with other.alone("!room:a.test"), pytest.raises(errors.Unavailable):
        with joins.alone("!room:a.test"):
            raise AssertionError("it is not alone")
    assert pauses == [0.25, 0.5, 1, 2, 2, 2, 2, 2]


def test_whoever_takes_too_long_has_nobody_asked_after_them(
    server: Server, bob: User, resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SECONDS_MAX", 0.0)
    answer = join(bob, resident.room_id, "gone.test", "gone2.test", ELSEWHERE)
    assert answer.status == 502
    assert "gone.test" in answer.json["error"] and "gone2.test" not in answer.json["error"]
