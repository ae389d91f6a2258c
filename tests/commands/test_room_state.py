"""`soma room state` and `soma room diff`."""

from impl.app import App
from impl.core.event_builder import Draft
from tests.builders import ALICE, a_room, append, member, message
from tests.commands.room_shell import RoomShell
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    FRANK,
    a_room_elsewhere,
    join_rule,
    send,
    topic,
)


def test_the_current_state_and_that_at_an_event(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    one = room.add(topic(DAVE, "one"))
    two = room.add(topic(DAVE, "two"))
    last = room.add(message(DAVE, "hello"))
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    def ids(*words: str) -> dict[tuple[str, str], str]:
        entries = shell.json("state", room_id, *words)["entries"]
        events = [entry["event"] for entry in entries]
        return {(event["type"], event["state_key"]): event["event_id"] for event in events}

    assert ids() == ids("--at", last.event_id) == room.states[last.event_id]
    assert ids("--at", two.event_id) == room.states[one.event_id]
    assert ids("--after", two.event_id) == room.states[two.event_id]
    assert ids("--after", one.event_id, "--type", "m.room.topic") == {
        ("m.room.topic", ""): one.event_id
    }
    assert set(ids("--key", EVELYN)) == {("m.room.member", EVELYN)}
    assert ids("--type", "m.room.member", "--key", "") == {}
    assert ids("--at", room.create.event_id) == {}

    text = shell.text("state", room_id, "--type", "m.room.topic")
    assert "current: 7 entries, 1 shown" in text
    assert f'm.room.topic  {two.event_id[:12]}  "two"   ({DAVE}, ' in text
    assert shell.type("state", room_id, "--at", "x", "--after", "y").status == 2


def test_the_content_is_there_for_scripts(app: App, shell: RoomShell) -> None:
    content = {"deep": {"list": [1, None, "ä"]}}
    room_id = a_room(app, first=[Draft("test.state", ALICE, content, "key")])
    (entry,) = shell.json("state", room_id, "--type", "test.state")["entries"]
    assert entry["content"] == content


def test_what_was_redacted_is_not_told(app: App, shell: RoomShell) -> None:
    room_id = a_room(app, room_version="11")
    (secret,) = append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "hush"}, ""))
    content = {"redacts": secret}
    append(app, room_id, Draft("m.room.redaction", ALICE, content, redacts=secret))
    for words in (["state"], ["state", "--json"], ["why", secret], ["graph", secret]):
        what, *rest = words
        assert "hush" not in shell.text(what, room_id, *rest)
    assert "redacted by" in shell.text("why", room_id, secret)


def test_what_two_branches_differ_in(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    one = room.add(topic(DAVE, "one"), [base])
    ban = room.add(member(EVELYN, "ban", DAVE))
    other = room.add(topic(DAVE, "other"), [base])
    rule = room.add(join_rule(DAVE, "invite"))
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    changes = shell.json("diff", room_id, ban.event_id, rule.event_id)["changes"]
    found = {
        (one["type"], one["state_key"]): (one["before"]["event_id"], one["after"]["event_id"])
        for one in changes
    }
    before, after = room.states[ban.event_id], room.states[rule.event_id]
    assert found == {
        key: (before[key], after[key])
        for key in [("m.room.topic", ""), ("m.room.member", EVELYN), ("m.room.join_rules", "")]
    }
    text = shell.text("diff", room_id, ban.event_id, rule.event_id)
    assert f'- {one.event_id[:12]}  "one"' in text
    assert f'+ {other.event_id[:12]}  "other"' in text
    assert "no difference" in shell.text("diff", room_id, base, base)
    (change,) = shell.json("diff", room_id, base, one.event_id)["changes"]
    assert change["before"] is None


def test_an_outlier_has_no_state(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    outlier = room.add(member(FRANK, "join"))
    send(app, room, outlier, is_outlier=True)
    room_id = room.create.room_id
    for words in (
        ("state", "--at", outlier.event_id),
        ("state", "--after", outlier.event_id),
        ("diff", room.create.event_id, outlier.event_id),
        ("resolve", outlier.event_id),
        ("resolve", "--at", outlier.event_id),
    ):
        what, *rest = words
        assert "is an outlier" in shell.refusal(what, room_id, *rest)
