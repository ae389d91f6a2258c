"""Which events are ours to send, to whom besides the servers in the room, and which those are: now,
and when the state was another.
"""

import random
from collections import Counter

import pytest

from impl.app import App
from impl.core import identifiers
from impl.core.event_builder import Draft
from impl.services import room_purge, servers_of_room
from impl.services.room_events import batching
from impl.services.room_events.submission import Received, Submission
from impl.storage import room_servers
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    a_room_elsewhere,
    send,
)
from tests.services.room_events.inspection import head_of, state_of, stored, timeline_ids
from tests.services.room_events.test_receive_random import a_random_graph

ZOE = "@zoe:third.example"


def outgoing(app: App, room_id: str) -> list[tuple[str, str | None]]:
    """(event_id, whom besides) of what is ours to send, in order."""
    with app.database.read() as txn:
        txn.execute(
            """
            SELECT e.event_id, t.parting_server
              FROM timeline t
              JOIN events e USING (room_nid, event_nid)
             WHERE t.room_nid = %s
               AND t.is_outgoing
             ORDER BY t.position
            """,
            (head_of(app, room_id).room.room_nid,),
        )
        return txn.fetchall()


def servers_after(app: App, room_id: str, event_id: str) -> frozenset[str]:
    room = head_of(app, room_id).room
    with app.database.read() as txn:
        txn.execute(
            "SELECT current_state_root FROM timeline JOIN events USING (room_nid, event_nid)"
            " WHERE room_nid = %s AND event_id = %s",
            (room.room_nid, event_id),
        )
        return servers_of_room.at(app, txn, room, txn.fetchone()[0])


def rows_of(app: App, room_id: str) -> list[tuple[str, int]]:
    with app.database.read() as txn:
        txn.execute(
            "SELECT server_name, joined_count FROM room_servers WHERE room_nid = %s",
            (head_of(app, room_id).room.room_nid,),
        )
        return txn.fetchall()


def a_shared_room(app: App) -> str:
    """Public, made by Dave; Evelyn and our Alice are in it."""
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    assert room.room_id is not None
    return room.room_id


def test_a_room_of_ours_alone_sends_nothing_and_counts_nobody(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, message(ALICE, "hi"), member(BOB, "invite", ALICE))
    assert outgoing(app, room_id) == []
    assert rows_of(app, room_id) == []


def test_what_is_made_here_is_ours_to_send_and_what_came_is_not(app: App) -> None:
    room_id = a_shared_room(app)
    (event_id,) = append(app, room_id, message(ALICE, "hi"))
    assert outgoing(app, room_id) == [(event_id, None)]
    assert rows_of(app, room_id) == [(ELSEWHERE, 2)]


def test_what_is_left_to_us_is_ours_to_send(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    frank = room.add(member(FRANK, "join"))
    send(app, room, frank, is_outgoing=True)
    assert room.room_id is not None
    assert outgoing(app, room.room_id) == [(frank.event_id, None)]


def test_nothing_is_sent_once_the_last_other_has_left(app: App) -> None:
    room = a_room_elsewhere()
    made = list(room.events.values())
    send(app, room, *made)
    for user_id in (EVELYN, DAVE):
        send(app, room, room.add(member(user_id, "leave")))
    assert room.room_id is not None
    append(app, room.room_id, message(ALICE, "alone"))
    assert outgoing(app, room.room_id) == []
    assert rows_of(app, room.room_id) == []


def test_the_server_of_who_is_put_out_is_told_though_it_is_not_in_the_room_any_more(
    app: App,
) -> None:
    room_id = a_room(app)
    append(app, room_id, member(DAVE, "invite", ALICE))
    (kick,) = append(app, room_id, member(DAVE, "leave", ALICE))
    assert outgoing(app, room_id)[-1] == (kick, ELSEWHERE)
    # They had nothing to do with the room any more.
    (ban,) = append(app, room_id, member(DAVE, "ban", ALICE))
    assert (ban, ELSEWHERE) not in outgoing(app, room_id)


def test_what_is_said_before_a_kick_in_the_same_batch_is_ours_to_send(app: App) -> None:
    room = a_room_elsewhere()
    room.add(Draft("m.room.power_levels", DAVE, {"users": {DAVE: 100, ALICE: 100}}, ""))
    room.add(member(EVELYN, "leave"))
    send(app, room, *room.events.values())
    assert room.room_id is not None
    send(app, room, room.add(Draft("m.room.power_levels", DAVE, {"users": {ALICE: 100}}, "")))
    said, kick, after = append(
        app,
        room.room_id,
        message(ALICE, "you"),
        member(DAVE, "leave", ALICE),
        message(ALICE, "gone"),
    )
    assert outgoing(app, room.room_id)[:2] == [(said, None), (kick, ELSEWHERE)]
    assert servers_after(app, room.room_id, said) == {ELSEWHERE}
    assert servers_after(app, room.room_id, kick) == frozenset()
    assert servers_after(app, room.room_id, after) == frozenset()


def test_a_server_is_in_the_room_from_its_first_join_to_its_last_leave(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    assert room.room_id is not None
    said: list[str] = []
    for event in (
        room.add(member(ZOE, "join")),
        room.add(member(ZOE, "join", displayname="Z")),
        room.add(member(ZOE, "leave")),
    ):
        said += append(app, room.room_id, message(ALICE, "hi"))
        send(app, room, event)
    said += append(app, room.room_id, message(ALICE, "hi"))
    servers = [servers_after(app, room.room_id, event_id) for event_id in said]
    both = {ELSEWHERE, "third.example"}
    assert servers == [{ELSEWHERE}, both, both, {ELSEWHERE}]
    # Whatever is remembered, and from wherever it starts.
    assert servers_after(app, room.room_id, said[2]) == both
    assert servers_after(app, room.room_id, said[0]) == {ELSEWHERE}


@pytest.mark.parametrize("version", ["1", "11", "12"])
def test_the_servers_are_those_of_the_state_wherever_one_looks(app: App, version: str) -> None:
    dice = random.Random(f"servers {version}")
    room = a_random_graph(version, dice, 40)
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    ids = timeline_ids(app, room_id)
    for event_id in dice.sample(ids, k=min(12, len(ids))):
        with app.database.read() as txn:
            txn.execute(
                "SELECT t.current_state_root FROM timeline t JOIN events e USING (room_nid,"
                " event_nid) WHERE e.event_id = %s",
                (event_id,),
            )
            root = txn.fetchone()[0]
        counted = Counter(
            identifiers.server_name_of(key[1])
            for key, nid in state_of(app, room_id, root).items()
            if key[0] == "m.room.member" and stored(app, room_id, nid).event.membership == "join"
        )
        del counted[app.server_name]
        assert servers_after(app, room_id, event_id) == set(counted)


def test_servers_that_we_are_told_of_count_until_the_members_are_known(app: App) -> None:
    room_id = a_shared_room(app)
    room = head_of(app, room_id).room
    with app.database.transaction() as txn:
        room_servers.put_told(txn, room.room_nid, ["third.example", ELSEWHERE])
    (said,) = append(app, room_id, message(ALICE, "hi"))
    assert servers_after(app, room_id, said) == {ELSEWHERE, "third.example"}
    with app.database.transaction() as txn:
        room_servers.delete_told(txn, room.room_nid)
    assert servers_after(app, room_id, said) == {ELSEWHERE}
    assert rows_of(app, room_id) == [(ELSEWHERE, 2)]


def test_a_room_that_is_purged_is_no_server_s(app: App) -> None:
    room_id = a_shared_room(app)
    room_nid = head_of(app, room_id).room.room_nid
    with app.database.read() as txn:
        assert room_servers.list_rooms_of(txn, ELSEWHERE) == [room_nid]
        assert room_servers.list_of_room(txn, room_nid) == [ELSEWHERE]
        assert room_servers.is_in_room(txn, room_nid, ELSEWHERE)
        assert room_servers.list_sharing(txn, [ALICE, BOB]) == {ALICE: [ELSEWHERE]}
    room_purge.purge(app, room_id, is_forced=True)
    with app.database.read() as txn:
        assert room_servers.list_rooms_of(txn, ELSEWHERE) == []


def test_ids_that_name_no_server_count_for_none(app: App) -> None:
    room = a_room_elsewhere()
    odd = room.add(Draft("m.room.member", DAVE, {"membership": "invite"}, "@odd:not a server"))
    batching.submit(
        app,
        Submission(
            room.create.room_id,
            [],
            create_event=room.create,
            received=[Received(one) for one in room.events.values() if one is not room.create],
        ),
    )
    assert odd.event_id in room.events
    assert rows_of(app, room.create.room_id) == [(ELSEWHERE, 2)]
