"""Events and history for other servers: what they get, in which order, and what they may see."""

import time
from typing import Any

import pytest

from impl.core.room_version import ROOM_VERSIONS
from impl.services.federation_serving import history
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger, ids_of, membership_pdu, refused

A = "a.test"
VISIBILITY = "m.room.history_visibility"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def stranger(network: Network) -> Stranger:
    return Stranger(network, "stranger.test", now_ms)


def bodies(answer: dict[str, Any]) -> list[str | None]:
    pdus = answer.get("pdus", answer.get("events"))
    assert isinstance(pdus, list)
    return [one["content"].get("body") for one in pdus if one["type"] == "m.room.message"]


def only(answer: dict[str, Any]) -> dict[str, Any]:
    (pdu,) = answer["pdus"]
    return dict(pdu)


@pytest.mark.parametrize("version", ["1", "11", "12"])
def test_one_event(alice: User, stranger: Stranger, version: str) -> None:
    room_id = rooms.create(alice, version)
    said = rooms.say(alice, room_id, "hello")
    with refused(403, "M_FORBIDDEN"):
        stranger.client.get_event(A, said)
    stranger.join(A, room_id)
    answer = stranger.client.get_event(A, said)
    assert answer["origin"] == A
    assert ids_of([only(answer)], version) == [said]
    assert only(answer)["content"]["body"] == "hello"
    with refused(404, "M_NOT_FOUND"):
        stranger.client.get_event(A, "$unknown")


def test_an_event_that_was_redacted_or_rejected(alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    said = rooms.say(alice, room_id, "hello")
    rooms.redact(alice, room_id, said)
    redacted = only(stranger.client.get_event(A, said))
    assert redacted["content"] == {}
    assert ids_of([redacted], "11") == [said]
    rejected = stranger.say(A, room_id, "m.room.topic", {"topic": "no"}, state_key="")
    with refused(404, "M_NOT_FOUND"):
        stranger.client.get_event(A, rejected)
    rooms.put_state(alice, room_id, "m.room.server_acl", {"allow": [A]})
    with refused(403, "M_FORBIDDEN"):
        stranger.client.get_event(A, said)


def test_an_invite_that_came_alone_is_given_to_nobody(alice: User, stranger: Stranger) -> None:
    room_id = "!room:stranger.test"
    pdu = membership_pdu(stranger.user_id, alice.user_id, "invite", room_id)
    event_id, signed = stranger.sign(pdu, ROOM_VERSIONS["11"])
    body = {"event": signed, "room_version": "11", "invite_room_state": []}
    stranger.client.send_invite_v2(A, room_id, event_id, body)
    with refused(404, "M_NOT_FOUND"):
        stranger.client.get_event(A, event_id)
    with refused(404, "M_NOT_FOUND"):
        stranger.client.make_join(A, room_id, stranger.user_id, ["11"])


@pytest.mark.parametrize(
    ("visibility", "before", "invited", "joined"),
    [
        ("world_readable", "before", "invited", "joined"),
        ("shared", "before", "invited", "joined"),
        ("invited", None, "invited", "joined"),
        ("joined", None, None, "joined"),
    ],
)
def test_a_server_sees_what_its_users_may(
    alice: User,
    stranger: Stranger,
    visibility: str,
    before: str | None,
    invited: str | None,
    joined: str | None,
) -> None:
    room_id = rooms.create(alice)
    rooms.put_state(alice, room_id, VISIBILITY, {"history_visibility": visibility})
    said = [rooms.say(alice, room_id, "before")]
    assert rooms.act(alice, room_id, "invite", stranger.user_id).status == 200
    said.append(rooms.say(alice, room_id, "invited"))
    stranger.join(A, room_id)
    said.append(rooms.say(alice, room_id, "joined"))
    answer = stranger.client.backfill_room(A, room_id, [said[-1]], 100)
    assert bodies(answer) == [joined, invited, before]
    # What may not be seen is redacted: the graph holds together.
    ids = set(ids_of(answer["pdus"], "11"))
    assert set(said) <= ids
    assert all(prev in ids for one in answer["pdus"] for prev in one["prev_events"])
    seen = [only(stranger.client.get_event(A, one))["content"].get("body") for one in said]
    assert seen == [before, invited, joined]
    gap = {"latest_events": [said[-1]], "earliest_events": [], "limit": 50}
    missing = stranger.client.get_missing_previous_events(A, room_id, gap)
    assert bodies(missing) == [before, invited]


def test_a_server_that_has_left_sees_what_was_said_while_it_was_there(
    alice: User, stranger: Stranger
) -> None:
    room_id = rooms.create(alice)
    rooms.put_state(alice, room_id, VISIBILITY, {"history_visibility": "joined"})
    early = rooms.say(alice, room_id, "early")
    stranger.join(A, room_id)
    there = rooms.say(alice, room_id, "there")
    template = stranger.client.make_leave(A, room_id, stranger.user_id)
    left_id, pdu = stranger.event_of(template)
    stranger.client.send_leave_v2(A, room_id, left_id, pdu)
    later = rooms.say(alice, room_id, "later")
    assert bodies(stranger.client.get_event(A, there)) == ["there"]
    for event_id in (early, later):
        with refused(403, "M_FORBIDDEN"):
            stranger.client.get_event(A, event_id)
    assert bodies(stranger.client.backfill_room(A, room_id, [later], 100)) == ["there"]
    with refused(403, "M_FORBIDDEN"):
        stranger.client.backfill_room(A, room_id, [early], 100)
    with refused(403, "M_FORBIDDEN"):
        stranger.client.get_event_by_timestamp(A, room_id, 1, "f")


def test_a_room_that_all_may_read_is_shown_to_all(alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    hidden = rooms.say(alice, room_id, "hidden")
    rooms.put_state(alice, room_id, VISIBILITY, {"history_visibility": "world_readable"})
    said = rooms.say(alice, room_id, "hello")
    assert bodies(stranger.client.get_event(A, said)) == ["hello"]
    assert bodies(stranger.client.backfill_room(A, room_id, [said], 100)) == ["hello"]
    with refused(403, "M_FORBIDDEN"):
        stranger.client.get_event(A, hidden)


def test_backfill_goes_back_from_where_it_is_asked(alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    said = [rooms.say(alice, room_id, f"{number}") for number in range(6)]
    answer = stranger.client.backfill_room(A, room_id, [said[4]], 3)
    assert ids_of(answer["pdus"], "11") == [said[4], said[3], said[2]]
    assert answer["origin"] == A
    # What is not here is passed over.
    answer = stranger.client.backfill_room(A, room_id, ["$unknown", said[1]], 2)
    assert ids_of(answer["pdus"], "11") == [said[1], said[0]]
    assert stranger.client.backfill_room(A, room_id, ["$unknown"], 2)["pdus"] == []
    whole = stranger.client.backfill_room(A, room_id, [said[5]], 1_000_000)["pdus"]
    assert whole[-1]["type"] == "m.room.create"


def test_backfill_follows_the_branches_and_not_the_clock(alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    base = rooms.say(alice, room_id, "base")
    template = stranger.client.make_leave(A, room_id, stranger.user_id)["event"]
    ours = rooms.say(alice, room_id, "ours")
    theirs = stranger.say(
        A,
        room_id,
        "m.room.message",
        {"body": "theirs"},
        prev_events=template["prev_events"],
        depth=template["depth"],
    )
    both = rooms.say(alice, room_id, "both")
    back = stranger.client.backfill_room
    assert bodies(back(A, room_id, [theirs], 2)) == ["theirs", "base"]
    assert bodies(back(A, room_id, [ours], 2)) == ["ours", "base"]
    of_both = bodies(back(A, room_id, [both], 4))
    assert of_both[0] == "both" and of_both[-1] == "base"
    assert set(of_both[1:3]) == {"ours", "theirs"}
    assert ids_of(back(A, room_id, [both], 4)["pdus"], "11")[-1] == base


def test_there_is_an_end_to_what_is_asked(
    alice: User, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BACKFILL_MAX", 4)
    monkeypatch.setattr(history, "MISSING_MAX", 3)
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    said = rooms.say(alice, room_id, "hello")
    assert len(stranger.client.backfill_room(A, room_id, [said], 1000)["pdus"]) == 4
    for limit in (0, -1):
        with refused(400, "M_INVALID_PARAM"):
            stranger.client.backfill_room(A, room_id, [said], limit)
    many = [said] * (history.BEGINNINGS_MAX + 1)
    with refused(400, "M_INVALID_PARAM"):
        stranger.client.backfill_room(A, room_id, many, 1)
    missing = stranger.client.get_missing_previous_events
    gap = {"latest_events": [said], "earliest_events": [], "limit": 1000}
    assert len(missing(A, room_id, gap)["events"]) == 3
    assert missing(A, room_id, {**gap, "limit": 0})["events"] == []
    with refused(400, "M_INVALID_PARAM"):
        missing(A, room_id, {**gap, "limit": -1})
    with refused(400, "M_INVALID_PARAM"):
        missing(A, room_id, {**gap, "latest_events": many})
    for ask in (
        lambda: missing(A, "!unknown:a.test", gap),
        lambda: stranger.client.backfill_room(A, "!unknown:a.test", [said], 1),
    ):
        with refused(404, "M_NOT_FOUND"):
            ask()


def test_what_is_between_two_events(alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    said = [rooms.say(alice, room_id, f"{number}") for number in range(6)]
    missing = stranger.client.get_missing_previous_events

    def ask(**gap: Any) -> list[str]:
        base = {"latest_events": [said[5]], "earliest_events": [said[0]]}
        return ids_of(missing(A, room_id, {**base, **gap})["events"], "11")

    assert ask() == said[1:5]
    # The nearest to the end, and the first of them first.
    assert ask(limit=2) == said[3:5]
    depth = only(stranger.client.get_event(A, said[3]))["depth"]
    assert ask(min_depth=depth) == said[3:5]
    two_ends = {"latest_events": [said[5], said[2]], "earliest_events": [said[3]]}
    assert ask(**two_ends, limit=3) == [said[0], said[1], said[4]]
    assert ask(latest_events=[said[0]]) == []
    assert ask(latest_events=["$unknown", "", "nonsense"]) == []


def test_what_was_soft_failed_comes_where_something_stands_on_it(
    alice: User, stranger: Stranger
) -> None:
    room_id = rooms.create(alice)
    stranger.join(A, room_id)
    template = stranger.client.make_leave(A, room_id, stranger.user_id)["event"]
    assert rooms.act(alice, room_id, "ban", stranger.user_id).status == 200
    other = "@other:stranger.test"
    stranger.join(A, room_id, other)
    place = {name: template[name] for name in ("prev_events", "auth_events", "depth")}
    stranger.user_id, banned = other, stranger.user_id
    failed = stranger.say(A, room_id, "m.room.message", {"body": "no"}, sender=banned, **place)
    said = rooms.say(alice, room_id, "hello")
    assert failed not in ids_of(
        stranger.client.backfill_room(A, room_id, [said], 100)["pdus"], "11"
    )
    assert ids_of(stranger.client.get_event(A, failed)["pdus"], "11") == [failed]
    on_both = stranger.say(
        A, room_id, "m.room.message", {"body": "both"}, prev_events=[said, failed], depth=50
    )
    answer = stranger.client.backfill_room(A, room_id, [on_both], 100)
    assert failed in ids_of(answer["pdus"], "11")


def test_the_event_that_is_nearest_to_a_time(alice: User, stranger: Stranger) -> None:
    room_id = rooms.create(alice)
    rooms.put_state(alice, room_id, VISIBILITY, {"history_visibility": "joined"})
    hidden = rooms.say(alice, room_id, "hidden")
    stranger.join(A, room_id)
    said = rooms.say(alice, room_id, "hello")
    hidden_ts = only(stranger.client.get_event(A, hidden))["origin_server_ts"]
    ask = stranger.client.get_event_by_timestamp
    found = ask(A, room_id, now_ms() + 1000, "b")
    assert found["event_id"] == said
    # What may not be seen is passed over.
    assert ask(A, room_id, hidden_ts, "f")["event_id"] != hidden
    with refused(404, "M_NOT_FOUND"):
        ask(A, room_id, now_ms() + 60_000, "f")
    for ts in (2**63, -(2**63) - 1, 2**100):
        with refused(400, "M_INVALID_PARAM"):
            ask(A, room_id, ts, "f")
    with refused(400, "M_INVALID_PARAM"):
        ask(A, room_id, 1, "x")
