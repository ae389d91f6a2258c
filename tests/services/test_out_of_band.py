"""Invites to rooms that this server is not in, and what becomes of them: what users see, and the
room that comes later.
"""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.services import history, membership, out_of_band, room_purge, room_reading
from impl.services.out_of_band import Told
from impl.services.room_events import batching
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.storage import memberships
from impl.storage.out_of_band import REASON
from tests.builders import ALICE, BOB, CHARLIE, a_requester, member
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    Elsewhere,
    join_rule,
    levels,
)
from tests.services.room_events.inspection import assert_tables_say, stored
from tests.services.sync_client import ask, keys, until_waiting

NAME = {"type": "m.room.name", "state_key": "", "content": {"name": "Room"}, "sender": DAVE}


def a_private_room(version: str = "11") -> Elsewhere:
    room = Elsewhere(version)
    room.add(member(DAVE, "join"))
    room.add(levels(DAVE, {DAVE: 100}, version))
    room.add(join_rule(DAVE, "invite"))
    return room


def invite(app: App, room: Elsewhere, user_id: str = BOB, **content: object) -> Event:
    event = room.add(member(user_id, "invite", DAVE, **content))
    assert out_of_band.keep(app, Told(event, ELSEWHERE, [NAME]))
    return event


def come(app: App, room: Elsewhere, *drafts: Draft) -> Event:
    """Somebody of ours joins: the room comes with its state."""
    *others, last = drafts
    for draft in others:
        room.add(draft)
    before = list(room.events.values())
    state = room.after(room.last)
    join = room.add(last)
    batching.submit(
        app,
        Submission(
            room.create.room_id,
            [],
            create_event=room.create,
            received=[
                *(Received(one, is_outlier=True) for one in before if one is not room.create),
                Received(join, state_before=list(state.values()), starts_anew=True),
            ],
        ),
    )
    return join


def is_member(app: App, room: Elsewhere, user_id: str) -> str:
    with app.database.read() as txn:
        known = room_reading.find_any(app, txn, room.create.room_id)
        assert known is not None
        return room_reading.membership(txn, known, user_id)


def only(answer: dict[str, Any], section: str) -> dict[str, Any]:
    rooms = answer["rooms"]
    assert [name for name in rooms if rooms[name]] == [section]
    (room,) = rooms[section].values()
    return room


def test_an_invite_is_told_with_what_the_other_server_shows_of_the_room(app: App) -> None:
    room = a_private_room()
    first = ask(app, BOB)
    event = invite(app, room, displayname="Bob")
    for answer in (ask(app, BOB), ask(app, BOB, first["next_batch"])):
        shown = only(answer, "invite")["invite_state"]["events"]
        own = {"type": event.type, "state_key": BOB, "content": event.content, "sender": DAVE}
        assert shown == [NAME, own]
    assert only(ask(app, BOB), "invite")
    last = ask(app, BOB, ask(app, BOB)["next_batch"])
    assert not any(last["rooms"].values())


def test_an_invite_wakes_who_waits_for_it(app: App, new_app: Callable[..., App]) -> None:
    since = ask(app, BOB)["next_batch"]
    waiting = gevent.spawn(ask, app, BOB, since, timeout_ms=30_000)
    until_waiting(app)
    invite(new_app(app.database.dsn), a_private_room())
    assert only(waiting.get(timeout=10), "invite")


def test_the_same_invite_again_is_no_news(app: App) -> None:
    room = a_private_room()
    event = invite(app, room)
    since = ask(app, BOB)["next_batch"]
    assert not out_of_band.keep(app, Told(event, ELSEWHERE, [NAME]))
    assert not any(ask(app, BOB, since)["rooms"].values())


def test_an_invite_that_was_declined_does_not_come_back_when_it_is_sent_again(app: App) -> None:
    room = a_private_room()
    event = invite(app, room)
    assert out_of_band.leave(app, room.create.room_id, BOB)
    assert not out_of_band.keep(app, Told(event, ELSEWHERE, [NAME]))
    assert is_member(app, room, BOB) == "leave"


def test_declining_is_told_and_the_room_can_be_forgotten(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    since = ask(app, BOB)["next_batch"]
    assert out_of_band.leave(app, room.create.room_id, BOB, "no")
    left = only(ask(app, BOB, since), "leave")
    (event,) = left["timeline"]["events"]
    assert event["content"] == {"membership": "leave", "reason": "no"}
    assert event["sender"] == BOB
    assert not out_of_band.leave(app, room.create.room_id, BOB)

    membership.forget(app, a_requester(BOB), room.create.room_id)
    archive = ask(app, BOB, filter={"room": {"include_leave": True}})
    assert not any(archive["rooms"].values())


def test_who_declined_can_be_invited_again(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    out_of_band.leave(app, room.create.room_id, BOB)
    invite(app, room, reason="please")
    assert only(ask(app, BOB), "invite")


@pytest.mark.parametrize("is_cited", [True, False])
def test_an_invite_can_be_taken_back(app: App, is_cited: bool) -> None:
    room = a_private_room()
    event = invite(app, room)
    since = ask(app, BOB)["next_batch"]
    # By who sent it, or by who shows that they know it.
    end = room.add(member(BOB, "leave", DAVE), cited_state=None if is_cited else {})
    assert (event.event_id in end.auth_event_ids) is is_cited
    assert out_of_band.rescind(app, end)
    assert only(ask(app, BOB, since), "leave")["timeline"]["events"][0]["sender"] == DAVE


def test_an_invite_is_not_taken_back_by_who_neither_sent_nor_knows_it(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    strange = room.add(member(BOB, "leave", EVELYN), cited_state={})
    own = room.add(member(BOB, "leave"))
    for event in (strange, own):
        assert not out_of_band.rescind(app, event)
    assert is_member(app, room, BOB) == "invite"


@pytest.mark.parametrize("version", ["1", "11", "12"])
def test_the_room_takes_over_when_it_comes(app: App, version: str) -> None:
    room = a_private_room(version)
    own = invite(app, room)
    others = invite(app, room, ALICE)
    since = {user_id: ask(app, user_id)["next_batch"] for user_id in (ALICE, BOB)}
    come(app, room, member(BOB, "join"))
    room_id = room.create.room_id
    assert_tables_say(app, room_id, room.after(room.last))
    for one in (own, others):
        found = stored(app, room_id, one.event_id)
        assert found.rejected_reason is None
        with app.database.read() as txn:
            assert out_of_band.find(app, txn, room_id, one.state_key or "") is None
    answer = ask(app, BOB, since[BOB])
    assert list(answer["rooms"]["join"]) == [room_id]
    assert not answer["rooms"]["invite"]
    # What is shown to who is still invited is what we know ourselves now.
    shown = only(ask(app, ALICE), "invite")["invite_state"]["events"]
    assert ("m.room.create", "") in keys(shown)
    assert ("m.room.name", "") not in keys(shown)


def test_an_invite_that_the_room_ended_before_it_came_is_ended(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    invite(app, room, ALICE)
    room.add(member(ALICE, "leave", DAVE))
    since = ask(app, ALICE)["next_batch"]
    come(app, room, member(BOB, "join"))
    assert is_member(app, room, ALICE) == "leave"
    assert only(ask(app, ALICE, since), "leave")


def test_an_invite_to_a_room_that_was_left_long_ago(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    come(app, room, member(BOB, "join"))
    room_id = room.create.room_id
    gone = room.add(member(BOB, "leave"))
    batching.submit(app, Submission(room_id, [], received=[Received(gone)]))
    since = ask(app, BOB)["next_batch"]

    again = invite(app, room)
    shown = only(ask(app, BOB, since), "invite")["invite_state"]["events"]
    assert keys(shown) == {("m.room.name", ""), ("m.room.member", BOB)}
    # What we knew of the room is as it was.
    with app.database.read() as txn:
        known = room_reading.get(app, txn, room_id)
        state = room_reading.current(app, txn, known, [("m.room.member", BOB)])
    assert [one.membership for one in state.values()] == ["leave"]
    assert stored(app, room_id, again.event_id).rejected_reason == REASON
    assert is_member(app, room, BOB) == "invite"
    out_of_band.leave(app, room_id, BOB)
    assert is_member(app, room, BOB) == "leave"


def test_an_invite_by_the_room_is_declined_and_taken_back_once_all_of_ours_have_left(
    app: App,
) -> None:
    room = a_private_room()
    invite(app, room)
    come(app, room, member(BOB, "join"))
    room_id = room.create.room_id
    since = ask(app, ALICE)["next_batch"]
    later = [
        room.add(member(one, membership, sender))
        for one, membership, sender in (
            (ALICE, "invite", DAVE),
            (CHARLIE, "invite", DAVE),
            (BOB, "leave", BOB),
        )
    ]
    batching.submit(app, Submission(room_id, [], received=[Received(one) for one in later]))
    assert not out_of_band.leave(app, room_id, BOB)
    assert out_of_band.leave(app, room_id, ALICE)
    assert is_member(app, room, ALICE) == "leave"
    assert only(ask(app, ALICE, since), "leave")
    assert out_of_band.rescind(app, room.add(member(CHARLIE, "leave", DAVE)))
    assert is_member(app, room, CHARLIE) == "leave"


def test_what_the_room_says_of_others_is_told_though_it_is_what_we_knew_of_old(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    come(app, room, member(ALICE, "invite", DAVE), member(BOB, "join"))
    room_id = room.create.room_id
    gone = [room.add(member(ALICE, "leave")), room.add(member(BOB, "leave"))]
    batching.submit(app, Submission(room_id, [], received=[Received(one) for one in gone]))

    # An invite that the room does not know of.
    base = room.last
    invite(app, room, ALICE)
    since = ask(app, ALICE)["next_batch"]
    room.last = base
    events = [room.add(member(BOB, "invite", DAVE)), room.add(member(BOB, "join"))]
    batching.submit(app, Submission(room_id, [], received=[Received(one) for one in events]))
    assert is_member(app, room, ALICE) == "leave"
    assert only(ask(app, ALICE, since), "leave")


def test_while_somebody_of_ours_is_in_the_room_it_comes_by_the_room(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    come(app, room, member(BOB, "join"))
    event = room.add(member(ALICE, "invite", DAVE))
    assert not out_of_band.keep(app, Told(event, ELSEWHERE, [NAME]))
    assert is_member(app, room, ALICE) == "leave"
    batching.submit(app, Submission(room.create.room_id, [], received=[Received(event)]))
    assert is_member(app, room, ALICE) == "invite"


def test_a_room_that_is_known_by_an_invite_alone_is_not_there(app: App) -> None:
    room = a_private_room()
    event = invite(app, room)
    room_id = room.create.room_id
    with app.database.read() as txn:
        assert room_reading.find(app, txn, room_id) is None
    with pytest.raises(errors.NotFound):
        batching.submit(app, Submission(room_id, [Draft("m.room.topic", BOB, {}, "")]))
    with pytest.raises(errors.NotFound):
        history.event(app, a_requester(BOB), room_id, event.event_id)
    # An unsuccessful attempt at its coming leaves the invite where it is.
    join = Received(room.add(member(BOB, "join")), starts_anew=True)
    with pytest.raises(MissingEvents):
        batching.submit(app, Submission(room_id, [], create_event=room.create, received=[join]))
    assert is_member(app, room, BOB) == "invite"


def test_the_version_that_was_said_first_does_not_stand_in_the_way_of_the_true_one(
    app: App,
) -> None:
    room = a_private_room("11")
    false = Elsewhere("5")
    false.room_id = room.create.room_id
    lie = false.add(member(ALICE, "invite", DAVE))
    assert out_of_band.keep(app, Told(lie, ELSEWHERE, []))
    invite(app, room)
    come(app, room, member(BOB, "join"))
    with app.database.read() as txn:
        assert room_reading.get(app, txn, room.create.room_id).room_version == "11"
    assert only(ask(app, ALICE), "invite")
    # Once it is known, it is known.
    gone = room.add(member(BOB, "leave"))
    batching.submit(app, Submission(room.create.room_id, [], received=[Received(gone)]))
    lie = false.add(member(BOB, "invite", DAVE))
    with pytest.raises(errors.InvalidParam):
        out_of_band.keep(app, Told(lie, ELSEWHERE, []))


def test_purging_takes_it_along(app: App) -> None:
    room = a_private_room()
    invite(app, room)
    since = ask(app, BOB)["next_batch"]
    room_purge.purge(app, room.create.room_id)
    assert room.create.room_id in ask(app, BOB, since)["rooms"]["leave"]
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM out_of_band_memberships")
        assert txn.fetchone() == (0,)
        assert memberships.list_of_user(txn, BOB) == []
