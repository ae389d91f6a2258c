"""Redactions made elsewhere, before and after their events. Rooms, "Handling redactions"."""

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.storage import memberships
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.services.room_events.elsewhere import DAVE, EVELYN, a_room_elsewhere, send
from tests.services.room_events.inspection import extremity_ids, head_of, stored, timeline_ids


def redaction(sender: str, event_id: str) -> Draft:
    return Draft("m.room.redaction", sender, {}, redacts=event_id)


def redacted_by(app: App, room_id: str, event_id: str) -> str | None:
    nid = stored(app, room_id, event_id).redacted_by_nid
    if nid is None:
        return None
    with app.database.read() as txn:
        found = app.events.get(txn, head_of(app, room_id).room.room_nid, nid)
    return found.event_id if found else None


@pytest.mark.parametrize("version", ["2", "9", "11", "12"])
def test_a_redaction_that_comes_first_waits_for_its_event(app: App, version: str) -> None:
    room = a_room_elsewhere(version)
    base = room.last
    said = room.add(message(EVELYN, "hush"), [base])
    gone = room.add(redaction(DAVE, said.event_id), [base])
    made = list(room.events.values())
    room_id = room.create.room_id
    send(app, room, *(one for one in made if one is not said))
    assert gone.event_id not in timeline_ids(app, room_id)

    send(app, room, said)
    assert redacted_by(app, room_id, said.event_id) == gone.event_id
    assert timeline_ids(app, room_id)[-2:] == [said.event_id, gone.event_id]


def test_a_redaction_waits_within_one_submission_too(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    gone_first = room.add(message(EVELYN, "hush"), [base])
    gone = room.add(redaction(DAVE, gone_first.event_id), [base])
    others = [one for one in room.events.values() if one not in (gone, gone_first)]
    send(app, room, *others, gone, gone_first)
    room_id = room.create.room_id
    assert redacted_by(app, room_id, gone_first.event_id) == gone.event_id
    assert timeline_ids(app, room_id)[-2:] == [gone_first.event_id, gone.event_id]


def test_a_redaction_that_is_soft_failed_redacts_nothing_later_either(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    said = room.add(message(EVELYN, "still here"), [base])
    ban = room.add(member(EVELYN, "ban", DAVE), [base])
    late = room.add(redaction(EVELYN, said.event_id), [base])
    send(app, room, *(one for one in room.events.values() if one not in (said, late)))
    room_id = room.create.room_id
    assert extremity_ids(app, room_id) == {ban.event_id}
    send(app, room, late)
    assert stored(app, room_id, late.event_id).is_soft_failed

    send(app, room, said)
    assert redacted_by(app, room_id, said.event_id) is None
    assert late.event_id not in timeline_ids(app, room_id)


def test_a_redaction_by_one_who_may_not_does_nothing_and_is_not_shown(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    ours = append(app, room_id, message(ALICE, "mine"))
    room.keep(stored(app, room_id, ours[0]).event, room.after(room.last))
    attempt = room.add(redaction(EVELYN, ours[0]))
    send(app, room, attempt)

    assert redacted_by(app, room_id, ours[0]) is None
    assert stored(app, room_id, attempt.event_id).rejected_reason is None
    assert attempt.event_id not in timeline_ids(app, room_id)


def test_a_redaction_of_an_event_of_the_same_server_takes_no_power(app: App) -> None:
    room = a_room_elsewhere()
    said = room.add(message(DAVE, "hush"))
    gone = room.add(redaction(EVELYN, said.event_id))
    send(app, room, *room.events.values())
    assert redacted_by(app, room.create.room_id, said.event_id) == gone.event_id


@pytest.mark.parametrize("is_at_once", [False, True])
def test_what_was_redacted_as_an_outlier_stays_so_at_its_place(app: App, is_at_once: bool) -> None:
    room = a_room_elsewhere()
    base = room.last
    said = room.add(message(EVELYN, "hush"), [base])
    gone = room.add(redaction(DAVE, said.event_id), [base])
    send(app, room, *(one for one in room.events.values() if one not in (said, gone)))
    send(app, room, said, is_outlier=True)
    if is_at_once:
        send(app, room, gone, said)
    else:
        send(app, room, gone)
        send(app, room, said)

    room_id = room.create.room_id
    assert redacted_by(app, room_id, said.event_id) == gone.event_id
    assert timeline_ids(app, room_id).count(gone.event_id) == 1
    with app.database.read() as txn:
        nid = stored(app, room_id, said.event_id).event_nid
        cached = app.events.get(txn, head_of(app, room_id).room.room_nid, nid)
    assert cached is not None and cached.redacted_by_nid is not None


def name_of(app: App, room_id: str, user_id: str) -> str | None:
    with app.database.read() as txn:
        found = memberships.get(txn, head_of(app, room_id).room.room_nid, user_id)
    assert found is not None and found.membership == "join"
    return found.display_name


def test_a_redacted_membership_has_no_name_among_the_members_either(app: App) -> None:
    room_id = a_room(app)
    (first,) = append(app, room_id, member(BOB, "join", displayname="Not nice"))
    (second,) = append(app, room_id, member(BOB, "join", displayname="Bob"))
    append(app, room_id, redaction(ALICE, first))
    assert name_of(app, room_id, BOB) == "Bob"
    append(app, room_id, redaction(ALICE, second))
    assert name_of(app, room_id, BOB) is None


def test_nor_has_one_that_comes_after_its_redaction(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    renamed = room.add(member(EVELYN, "join", displayname="Not nice"), [base])
    gone = room.add(redaction(DAVE, renamed.event_id), [base])
    send(app, room, *(one for one in room.events.values() if one is not renamed))
    send(app, room, renamed)
    assert redacted_by(app, room.create.room_id, renamed.event_id) == gone.event_id
    assert name_of(app, room.create.room_id, EVELYN) is None
