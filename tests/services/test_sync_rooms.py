"""/sync on a real database: the rooms that a user is told of, their timelines and their state."""

from impl.app import App
from impl.core.event_builder import Draft
from impl.storage import account_data
from tests.builders import ALICE, BOB, CHARLIE, a_room, append, member, message
from tests.services.sync_client import ask, bodies, joined, keys


def test_an_initial_sync_shows_the_room_with_its_newest_events(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, *(message(ALICE, str(n)) for n in range(15)))
    room = joined(ask(app, ALICE), room_id)
    assert bodies(room) == [str(n) for n in range(5, 15)]
    assert room["timeline"]["limited"] is True
    assert keys(room["state"]["events"]) == {
        ("m.room.create", ""),
        ("m.room.member", ALICE),
        ("m.room.power_levels", ""),
        ("m.room.join_rules", ""),
    }
    assert room["summary"] == {
        "m.joined_member_count": 1,
        "m.invited_member_count": 0,
        "m.heroes": [],
    }


def test_a_room_that_fits_has_no_state_before_its_timeline(app: App) -> None:
    room_id = a_room(app)
    room = joined(ask(app, ALICE), room_id)
    assert room["state"]["events"] == []
    assert room["timeline"]["limited"] is False
    assert room["timeline"]["events"][0]["type"] == "m.room.create"
    assert all("room_id" not in one for one in room["timeline"]["events"])


def test_a_sync_tells_what_is_new_once(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    append(app, room_id, message(ALICE, "new"))
    second = ask(app, ALICE, first["next_batch"])
    assert bodies(joined(second, room_id)) == ["new"]
    assert joined(second, room_id)["timeline"]["limited"] is False
    assert joined(second, room_id)["state"]["events"] == []
    third = ask(app, ALICE, second["next_batch"])
    assert third["rooms"]["join"] == {}


def test_a_gap_is_limited_and_its_state_is_told(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    append(
        app,
        room_id,
        Draft("m.room.topic", ALICE, {"topic": "in the gap"}, ""),
        *(message(ALICE, str(n)) for n in range(12)),
    )
    room = joined(ask(app, ALICE, first["next_batch"]), room_id)
    assert room["timeline"]["limited"] is True
    assert keys(room["state"]["events"]) == {("m.room.topic", "")}


def test_state_after_tells_state_up_to_the_end(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "now"}, ""))
    room = joined(ask(app, ALICE, first["next_batch"], use_state_after=True), room_id)
    assert keys(room["state_after"]["events"]) == {("m.room.topic", "")}
    assert "state" not in room


def test_full_state_tells_all_state_at_once(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    room = joined(
        ask(app, ALICE, first["next_batch"], is_full_state=True, timeout_ms=5000), room_id
    )
    assert ("m.room.create", "") in keys(room["state"]["events"])
    assert room["timeline"]["events"] == []


def test_a_room_that_is_newly_joined_comes_whole(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, *(message(ALICE, str(n)) for n in range(20)))
    first = ask(app, BOB)
    assert first["rooms"]["join"] == {}
    append(app, room_id, member(BOB, "join"))
    room = joined(ask(app, BOB, first["next_batch"]), room_id)
    assert ("m.room.create", "") in keys(room["state"]["events"])
    assert len(room["timeline"]["events"]) == 10
    assert room["summary"]["m.heroes"] == [ALICE]
    assert room["summary"]["m.joined_member_count"] == 2


def name(text: str) -> Draft:
    return Draft("m.room.name", ALICE, {"name": text}, "")


def test_a_room_with_a_name_has_no_heroes_and_one_that_loses_it_has(app: App) -> None:
    room_id = a_room(app, first=[member(BOB, "join"), name("Pub")])
    answer = ask(app, BOB)
    summary = joined(answer, room_id)["summary"]
    assert summary["m.joined_member_count"] == 2 and "m.heroes" not in summary
    append(app, room_id, message(ALICE, "nothing of that changes"))
    answer = ask(app, BOB, answer["next_batch"])
    assert joined(answer, room_id)["summary"] == {}
    append(app, room_id, name(""))
    assert joined(ask(app, BOB, answer["next_batch"]), room_id)["summary"]["m.heroes"] == [ALICE]


def test_a_history_for_those_who_were_there_is_not_shown_to_who_came_later(app: App) -> None:
    room_id = a_room(app)
    visibility = Draft("m.room.history_visibility", ALICE, {"history_visibility": "joined"}, "")
    append(app, room_id, visibility, message(ALICE, "secret"), member(BOB, "join"))
    append(app, room_id, message(ALICE, "hello"))
    assert bodies(joined(ask(app, BOB), room_id)) == ["hello"]


def test_an_invitation_is_told_with_stripped_state(app: App) -> None:
    room_id = a_room(app, join_rule="invite")
    first = ask(app, BOB)
    append(app, room_id, member(BOB, "invite", ALICE))
    answer = ask(app, BOB, first["next_batch"])
    events = answer["rooms"]["invite"][room_id]["invite_state"]["events"]
    wanted = {("m.room.create", ""), ("m.room.join_rules", ""), ("m.room.member", BOB)}
    assert wanted <= keys(events)
    assert all(set(one) == {"type", "state_key", "content", "sender"} for one in events)
    assert room_id in ask(app, BOB)["rooms"]["invite"]


def test_an_invitation_by_somebody_ignored_is_not_told(app: App) -> None:
    room_id = a_room(app)
    with app.database.transaction() as txn:
        account_data.put(txn, BOB, "", "m.ignored_user_list", {"ignored_users": {ALICE: {}}})
    append(app, room_id, member(BOB, "invite", ALICE))
    assert ask(app, BOB)["rooms"]["invite"] == {}


def test_messages_of_somebody_ignored_are_left_out_but_not_their_state(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    with app.database.transaction() as txn:
        account_data.put(txn, BOB, "", "m.ignored_user_list", {"ignored_users": {ALICE: {}}})
    append(
        app,
        room_id,
        message(ALICE, "not heard"),
        Draft("m.room.topic", ALICE, {"topic": "seen"}, ""),
        message(BOB, "mine"),
    )
    events = joined(ask(app, BOB, first["next_batch"]), room_id)["timeline"]["events"]
    assert [one["type"] for one in events] == ["m.room.topic", "m.room.message"]


def test_a_room_that_was_left_is_told_up_to_the_leaving(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    append(app, room_id, message(ALICE, "before"), member(BOB, "leave"), message(ALICE, "after"))
    answer = ask(app, BOB, first["next_batch"])
    assert answer["rooms"]["join"] == {}
    room = answer["rooms"]["leave"][room_id]
    assert bodies(room) == ["before"]
    assert room["timeline"]["events"][-1]["content"]["membership"] == "leave"
    assert ask(app, BOB, answer["next_batch"])["rooms"]["leave"] == {}
    assert ask(app, BOB)["rooms"]["leave"] == {}
    whole = ask(app, BOB, filter={"room": {"include_leave": True}})
    assert bodies(whole["rooms"]["leave"][room_id]) == ["before"]


def test_a_declined_invitation_is_told_as_left(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "invite", ALICE))
    first = ask(app, BOB)
    append(app, room_id, message(ALICE, "hidden"), member(BOB, "leave"))
    room = ask(app, BOB, first["next_batch"])["rooms"]["leave"][room_id]
    assert [one["type"] for one in room["timeline"]["events"]] == ["m.room.member"]


def test_lazy_loading_tells_the_members_that_the_timeline_needs(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"), member(CHARLIE, "join"))
    append(app, room_id, *(message(BOB, str(n)) for n in range(10)))
    lazy = {"room": {"state": {"lazy_load_members": True}, "timeline": {"limit": 5}}}
    room = joined(ask(app, CHARLIE, filter=lazy), room_id)
    members = {key for kind, key in keys(room["state"]["events"]) if kind == "m.room.member"}
    assert {BOB, CHARLIE} <= members


def test_a_filter_of_types_does_not_lose_state(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    topic = Draft("m.room.topic", ALICE, {"topic": "new"}, "")
    append(app, room_id, message(ALICE, "one"), topic)
    only = {"room": {"timeline": {"types": ["m.room.message"]}}}
    room = joined(ask(app, ALICE, first["next_batch"], filter=only), room_id)
    assert bodies(room) == ["one"]
    assert len(room["timeline"]["events"]) == 1
    assert keys(room["state"]["events"]) == {("m.room.topic", "")}


def test_a_filter_of_rooms_leaves_the_others_out(app: App) -> None:
    one, other = a_room(app), a_room(app)
    answer = ask(app, ALICE, filter={"room": {"not_rooms": [other]}})
    assert set(answer["rooms"]["join"]) == {one}


def test_a_part_of_a_filter_has_rooms_of_its_own(app: App) -> None:
    one, other = a_room(app), a_room(app)
    topic = Draft("m.room.topic", ALICE, {"topic": "new"}, "")
    wanted = {
        "timeline": {"rooms": [one]},
        "state": {"not_rooms": [one], "not_types": ["*.member"]},
    }
    first = ask(app, ALICE)
    for room_id in (one, other):
        append(app, room_id, topic, message(ALICE, "hello"))
    answer = ask(app, ALICE, first["next_batch"], filter={"room": wanted})
    assert len(joined(answer, one)["timeline"]["events"]) == 2
    assert joined(answer, other)["timeline"]["events"] == []
    assert keys(joined(answer, other)["state"]["events"]) == {("m.room.topic", "")}
    whole = ask(app, ALICE, filter={"room": {**wanted, "timeline": {"limit": 1}}})
    assert joined(whole, one)["state"]["events"] == []


def test_stripped_state_is_redacted_as_the_room_is(app: App) -> None:
    room_id = a_room(app)
    (event_id,) = append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "oh no"}, ""))
    append(app, room_id, Draft("m.room.redaction", ALICE, {}, redacts=event_id))
    append(app, room_id, member(BOB, "invite", ALICE))
    events = ask(app, BOB)["rooms"]["invite"][room_id]["invite_state"]["events"]
    assert [one["content"] for one in events if one["type"] == "m.room.topic"] == [{}]


def test_a_change_of_the_summary_is_told_though_its_event_is_filtered(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    append(app, room_id, member(BOB, "join"))
    none = {"room": {part: {"not_types": ["m.room.member"]} for part in ("timeline", "state")}}
    room = joined(ask(app, ALICE, first["next_batch"], filter=none), room_id)
    assert room["summary"]["m.joined_member_count"] == 2
