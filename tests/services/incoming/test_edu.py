"""EDUs: what our users' clients hear of what other servers say, and of what they may not say."""

from typing import Any

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services import presence, typing
from impl.services.incoming import edu
from tests.builders import ALICE, append, message
from tests.services import sync_client
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site, let_in, put
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    a_room_elsewhere,
)

Json = dict[str, Any]
STRANGER = "@eve:third.example"


@pytest.fixture
def room_id(app: App, site: Site) -> str:
    return let_in(app, site, a_room_elsewhere())


def tell(app: App, edu_type: str, content: object, origin: str = ELSEWHERE) -> None:
    assert put(app, edus=[{"edu_type": edu_type, "content": content}], origin=origin) == {}


def heard(app: App, room_id: str, since: str | None = None) -> list[Json]:
    """The ephemeral events of the room, as Alice hears them."""
    answer = sync_client.ask(app, ALICE, since)
    rooms = answer.get("rooms", {}).get("join", {})
    return rooms.get(room_id, {}).get("ephemeral", {}).get("events", [])


def typing_now(app: App, room_id: str) -> list[str]:
    for event in heard(app, room_id):
        if event["type"] == "m.typing":
            return event["content"]["user_ids"]
    return []


def typing_edu(room_id: str, user_id: str = EVELYN, is_typing: object = True) -> Json:
    return {"room_id": room_id, "user_id": user_id, "typing": is_typing}


def test_typing_is_seen_until_it_stops(app: App, room_id: str) -> None:
    tell(app, "m.typing", typing_edu(room_id))
    assert typing_now(app, room_id) == [EVELYN]
    tell(app, "m.typing", typing_edu(room_id, is_typing=False))
    assert typing_now(app, room_id) == []


def test_typing_that_is_not_repeated_ends(app: App, room_id: str, clock: Clock) -> None:
    tell(app, "m.typing", typing_edu(room_id))
    clock.now_ms += 50_000
    tell(app, "m.typing", typing_edu(room_id))
    clock.now_ms += 50_000
    assert typing_now(app, room_id) == [EVELYN]
    since = sync_client.ask(app, ALICE)["next_batch"]
    clock.now_ms += 20_000
    typing.end_overdue(app)
    assert heard(app, room_id, since) == [{"type": "m.typing", "content": {"user_ids": []}}]


@pytest.mark.parametrize(
    "content",
    [
        # Ours, another server's, somebody who is not in the room, nobody.
        {"user_id": ALICE},
        {"user_id": STRANGER},
        {"user_id": FRANK},
        {"user_id": 5},
        {"user_id": None},
        {"typing": "yes"},
        {"room_id": "!nowhere:elsewhere.example"},
        {"room_id": None},
        {"room_id": ["!x:y"]},
    ],
)
def test_typing_that_may_not_be_said(app: App, room_id: str, content: Json) -> None:
    tell(app, "m.typing", {**typing_edu(room_id), **content})
    assert typing_now(app, room_id) == []


def receipt(room_id: str, user_id: str, event_id: object, **data: object) -> Json:
    return {room_id: {"m.read": {user_id: {"event_ids": [event_id], "data": {"ts": 7, **data}}}}}


def receipts(app: App, room_id: str) -> dict[tuple[str, str, str | None], int]:
    """(event_id, user_id, thread) -> ts"""
    found = {}
    for event in heard(app, room_id):
        if event["type"] == "m.receipt":
            for event_id, by_type in event["content"].items():
                for user_id, data in by_type.get("m.read", {}).items():
                    found[event_id, user_id, data.get("thread_id")] = data["ts"]
    return found


def test_receipts_are_seen_and_move_forward_only(app: App, room_id: str) -> None:
    first, second = append(app, room_id, message(ALICE, "1"), message(ALICE, "2"))
    tell(app, "m.receipt", receipt(room_id, EVELYN, second))
    tell(app, "m.receipt", receipt(room_id, EVELYN, first))
    assert receipts(app, room_id) == {(second, EVELYN, None): 7}


def test_receipts_of_threads_stand_beside_each_other(app: App, room_id: str) -> None:
    first, second = append(app, room_id, message(ALICE, "1"), message(ALICE, "2"))
    tell(app, "m.receipt", receipt(room_id, EVELYN, second, thread_id="main"))
    tell(app, "m.receipt", receipt(room_id, EVELYN, second, thread_id=first))
    tell(app, "m.receipt", receipt(room_id, EVELYN, first))
    assert receipts(app, room_id) == {
        (second, EVELYN, "main"): 7,
        (second, EVELYN, first): 7,
        (first, EVELYN, None): 7,
    }


def test_a_receipt_may_come_before_its_event(app: App, site: Site, room_id: str) -> None:
    room = site.rooms[room_id]
    event = room.add(message(DAVE, "later"))
    tell(app, "m.receipt", receipt(room_id, EVELYN, event.event_id))
    put(app, event)
    assert receipts(app, room_id) == {(event.event_id, EVELYN, None): 7}


def test_receipts_of_one_server_come_in_one_edu(app: App, room_id: str) -> None:
    (event_id,) = append(app, room_id, message(ALICE, "1"))
    users = {EVELYN: 1, DAVE: 2, ALICE: 3, STRANGER: 4, FRANK: 5, "nobody": 6}
    told = {user_id: {"event_ids": [event_id], "data": {"ts": ts}} for user_id, ts in users.items()}
    tell(app, "m.receipt", {room_id: {"m.read": told}, "!other:x.example": {"m.read": told}})
    assert receipts(app, room_id) == {(event_id, EVELYN, None): 1, (event_id, DAVE, None): 2}


@pytest.mark.parametrize(
    "of_user",
    [
        None,
        [],
        {},
        {"event_ids": "x", "data": {}},
        {"event_ids": [], "data": {}},
        {"event_ids": [5], "data": {}},
        {"event_ids": ["no id"], "data": {}},
        {"event_ids": ["$" + "x" * 300], "data": {}},
        {"event_ids": ["$x\0"], "data": {}},
        {"event_ids": ["$x"], "data": 5},
        {"event_ids": ["$x"], "data": {"thread_id": 5}},
        {"event_ids": ["$x"], "data": {"thread_id": ""}},
        {"event_ids": ["$x"], "data": {"thread_id": "other"}},
    ],
)
def test_a_receipt_that_is_none(app: App, room_id: str, of_user: object) -> None:
    tell(app, "m.receipt", {room_id: {"m.read": {EVELYN: of_user}}})
    assert receipts(app, room_id) == {}


@pytest.mark.parametrize("ts", [None, "7", -1, 2**60, 1.5])
def test_a_receipt_of_an_odd_time_is_of_now(
    app: App, room_id: str, clock: Clock, ts: object
) -> None:
    (event_id,) = append(app, room_id, message(ALICE, "1"))
    told = receipt(room_id, EVELYN, event_id)
    told[room_id]["m.read"][EVELYN]["data"]["ts"] = ts
    tell(app, "m.receipt", told)
    assert receipts(app, room_id) == {(event_id, EVELYN, None): clock.now_ms}


def test_private_receipts_are_nobodys_business(app: App, room_id: str) -> None:
    (event_id,) = append(app, room_id, message(ALICE, "1"))
    of_users = receipt(room_id, EVELYN, event_id)[room_id]["m.read"]
    tell(app, "m.receipt", {room_id: {"m.read.private": of_users, "m.fully_read": of_users}})
    assert not [one for one in heard(app, room_id) if one["type"] == "m.receipt"]


def presences(app: App, since: str | None = None) -> dict[str, Json]:
    events = sync_client.ask(app, ALICE, since).get("presence", {}).get("events", [])
    return {one["sender"]: one["content"] for one in events if one["sender"] != ALICE}


def test_presence_is_seen(app: App, room_id: str, clock: Clock) -> None:
    since = sync_client.ask(app, ALICE)["next_batch"]
    push = [
        {
            "user_id": EVELYN,
            "presence": "online",
            "status_msg": "here",
            "last_active_ago": 5_000,
            "currently_active": True,
        },
        {"user_id": DAVE, "presence": "unavailable", "last_active_ago": 60_000},
    ]
    tell(app, "m.presence", {"push": push})
    assert presences(app, since) == {
        EVELYN: {
            "presence": "online",
            "status_msg": "here",
            "last_active_ago": 5_000,
            "currently_active": True,
        },
        DAVE: {"presence": "unavailable", "last_active_ago": 60_000},
    }
    since = sync_client.ask(app, ALICE, since)["next_batch"]
    tell(app, "m.presence", {"push": push})
    assert presences(app, since) == {}


def test_presence_that_is_not_repeated_ends(app: App, room_id: str, clock: Clock) -> None:
    push = [{"user_id": EVELYN, "presence": "online", "last_active_ago": 0}]
    tell(app, "m.presence", {"push": push})
    clock.now_ms += 29 * 60_000
    presence.end_overdue(app)
    assert presences(app)[EVELYN]["presence"] == "online"
    tell(app, "m.presence", {"push": push})
    clock.now_ms += 29 * 60_000
    presence.end_overdue(app)
    since = sync_client.ask(app, ALICE)["next_batch"]
    clock.now_ms += 2 * 60_000
    presence.end_overdue(app)
    assert presences(app, since)[EVELYN]["presence"] == "offline"


@pytest.mark.parametrize(
    "told",
    [
        {"user_id": ALICE},
        {"user_id": STRANGER},
        # Not in a room with us.
        {"user_id": FRANK},
        {"user_id": 5},
        {"presence": "busy"},
        {"presence": None},
    ],
)
def test_presence_that_may_not_be_said(app: App, room_id: str, told: Json) -> None:
    good = {"user_id": EVELYN, "presence": "online", "last_active_ago": 0}
    tell(app, "m.presence", {"push": [{**good, **told}, "x", None]})
    assert presences(app) == {}


@pytest.mark.parametrize("status_msg", [5, "x" * 5_000, "a\0b", None])
def test_a_status_that_cannot_be_shown_is_left_out(
    app: App, room_id: str, status_msg: object
) -> None:
    told = {"user_id": EVELYN, "presence": "online", "status_msg": status_msg}
    tell(app, "m.presence", {"push": [{**told, "last_active_ago": "x"}]})
    assert "status_msg" not in presences(app)[EVELYN]


def test_one_transaction_says_only_so_much(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edu, "WRITES_MAX", 1)
    (event_id,) = append(app, room_id, message(ALICE, "1"))
    users = {one: {"event_ids": [event_id], "data": {"ts": 1}} for one in (EVELYN, DAVE)}
    edus = [
        {"edu_type": "m.receipt", "content": {room_id: {"m.read": users}}},
        {"edu_type": "m.typing", "content": typing_edu(room_id)},
    ]
    assert put(app, edus=edus) == {}
    assert len(receipts(app, room_id)) == 1
    assert typing_now(app, room_id) == []


def test_a_bug_of_ours_fails_no_transaction(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setitem(edu.HANDLERS, "m.presence", fail)
    edus = [
        {"edu_type": "m.presence", "content": {}},
        {"edu_type": "m.typing", "content": typing_edu(room_id)},
    ]
    assert put(app, edus=edus) == {}
    assert typing_now(app, room_id) == [EVELYN]


def test_an_access_list_holds_for_edus_of_its_room(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room.add(Draft("m.room.server_acl", DAVE, {"allow": ["*"], "deny": [ELSEWHERE]}, ""))
    room_id = let_in(app, site, room)
    (event_id,) = append(app, room_id, message(ALICE, "1"))
    tell(app, "m.typing", typing_edu(room_id))
    tell(app, "m.receipt", receipt(room_id, EVELYN, event_id))
    assert typing_now(app, room_id) == []
    assert receipts(app, room_id) == {}
