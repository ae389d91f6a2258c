"""A gap that a long outage left is filled when somebody reads across it."""

from impl.app import App
from impl.services import history
from impl.services.history import Range
from tests.builders import BOB, a_requester, member, message
from tests.services.incoming.site import Site, put, settle
from tests.services.remote_history.reading import event_id_of, ids, join, read
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    a_room_elsewhere,
    a_room_of_theirs,
    send,
    topic,
)
from tests.services.room_events.inspection import extremity_ids, head_of, state_of, stored
from tests.services.room_events.test_backfilled import fill


def read_all(app: App, room_id: str, limit: int = 50, *, is_back: bool = True) -> list[str]:
    found: list[str] = []
    token: str | None = None
    while True:
        asked = Range(is_back, token, limit=limit)
        answer = history.messages(app, a_requester(BOB), room_id, asked)
        found += [event_id_of(one) for one in answer["chunk"]]
        token = answer.get("end")
        if token is None:
            return found


def test_what_was_said_while_we_were_away_is_read_where_it_was_said(app: App, site: Site) -> None:
    room = a_room_of_theirs()
    room_id = join(app, site, room)
    missed = [
        room.add(topic(DAVE, f"{number}") if number % 50 == 7 else message(EVELYN, f"{number}"))
        for number in range(450)
    ]
    put(app, missed[-1])
    settle(app)
    asked = site.asked("state_ids")
    everything = list(room.events)[::-1]
    assert read_all(app, room_id) == everything
    # Nothing of what was there before is an end of the room any more.
    assert extremity_ids(app, room_id) == {missed[-1].event_id}
    for one in missed:
        ours = stored(app, room_id, one.event_id)
        assert ours.rejected_reason is None
        assert state_of(app, room_id, ours.state_after or 0) == room.states[one.event_id]
    # The lowest page of the gap stands on what is here; a page between may need a state.
    assert site.asked("state_ids") - asked <= 3
    assert site.asked("backfill") == 3
    # And nothing is asked for any more, in either direction.
    assert read_all(app, room_id, is_back=False) == everything[::-1]
    assert site.asked("backfill") == 3


def test_who_reads_forward_over_a_short_gap_reads_what_was_in_it(app: App, site: Site) -> None:
    room = a_room_of_theirs()
    room_id = join(app, site, room)
    start = room.last
    assert read(app, room_id)[0] == start
    missed = [room.add(message(EVELYN, f"{number}")) for number in range(60)]
    last = room.add(message(EVELYN, "arrives"))
    site.answers["get_missing_events"] = None
    put(app, last)
    settle(app)
    everything = list(room.events)
    assert read_all(app, room_id, limit=100, is_back=False) == everything
    assert ids(missed)[0] in everything


def test_a_gap_that_is_not_reached_is_left_alone(app: App, site: Site) -> None:
    room = a_room_of_theirs()
    room_id = join(app, site, room)
    for number in range(30):
        room.add(message(EVELYN, f"{number}"))
    last = room.add(message(EVELYN, "arrives"))
    site.answers["get_missing_events"] = None
    put(app, last)
    settle(app)
    for number in range(20):
        put(app, room.add(message(EVELYN, f"after {number}")))
    assert len(read(app, room_id, limit=10)) == 10
    assert site.asked("backfill") == 0
    assert len(read(app, room_id, limit=30)) == 30
    assert site.asked("backfill") == 1


def test_a_gap_that_is_filled_takes_no_state_from_the_room(app: App) -> None:
    """Whoever told the state above the gap left out what was known below it."""
    room = a_room_elsewhere()
    room_id = room.create.room_id
    send(app, room, *room.events.values())
    innocent = room.after(room.last)
    ban = room.add(member(EVELYN, "ban", DAVE))
    send(app, room, ban)
    gap = room.add(message(DAVE, "gap"))
    last = room.add(message(DAVE, "arrives"))
    send(app, room, last, state_before=sorted(innocent.values()))
    fill(app, room, gap)
    assert extremity_ids(app, room_id) == {ban.event_id, last.event_id}
    state = state_of(app, room_id, head_of(app, room_id).current_state_root)
    assert state["m.room.member", EVELYN] == ban.event_id
