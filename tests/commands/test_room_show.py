"""`soma room show`, and how rooms and events are named."""

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services import out_of_band
from impl.services.out_of_band import Told
from impl.storage import aliases
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.commands.room_shell import RoomShell
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    Elsewhere,
    a_room_elsewhere,
    send,
    topic,
)
from tests.services.room_events.inspection import head_of


def a_room_with_everything(app: App) -> Elsewhere:
    """Two branches, a rejected event, a soft-failed one, an outlier, and one that is missing."""
    room = a_room_elsewhere()
    base = room.last
    bad = room.add(topic(EVELYN, "not hers to set"), [base])
    ban = room.add(member(EVELYN, "ban", DAVE), [bad.event_id])
    late = room.add(message(EVELYN, "late"), [base])
    room.add(message(ALICE, "a branch"), [base])
    send(app, room, *room.events.values())
    outlier = room.add(member(FRANK, "join"), [ban.event_id])
    send(app, room, outlier, is_outlier=True)
    lost = room.add(message(DAVE, "lost"), [ban.event_id])
    last = room.add(message(DAVE, "arrives"), [lost.event_id])
    send(app, room, last, state_before=list(room.states[lost.event_id].values()))
    assert late.event_id not in room.rejected
    return room


def test_a_room_is_told_on_one_screen(app: App, shell: RoomShell) -> None:
    room = a_room_with_everything(app)
    report = shell.json("show", room.create.room_id)
    assert (report["version"], report["creators"]) == ("11", [DAVE])
    assert report["members"] == {"join": 2, "ban": 1}
    assert report["local_members"] == {"join": 1}
    assert report["servers"] == {"elsewhere.example": 1, "soma.test": 1}
    assert report["powerful"] == {DAVE: 100}
    assert report["values"]["join_rule"] == "public"
    counts = report["events"]
    assert counts["events"] == 12  # Of those that were made, one never came.
    assert (counts["rejected"], counts["soft_failed"], counts["outliers"]) == (1, 1, 1)
    assert counts["state_events"] == 7
    assert report["size"]["entries"] == 6
    assert report["size"]["nodes"] <= report["size"]["nodes_of_all_states"]

    stored = head_of(app, room.create.room_id).forward_extremities
    assert len(report["forward_extremities"]) == len(stored) > 1
    (missing,) = report["backward_extremities"]
    text = shell.text("show", room.create.room_id)
    assert f"Forward extremities: {len(stored)}" in text
    for one in report["forward_extremities"]:
        assert one["event_id"] in text and one["is_extremity"]
    assert f"Backward extremities: 1\n  {missing}\n" in text
    assert "2 join, 1 ban" in text and "12, of them 7 state, 1 rejected, 1 soft-failed" in text
    assert "! 1 events are referred to and missing" in text
    assert "damage" not in text


def test_creators_of_version_12_stand_above_all_levels(app: App, shell: RoomShell) -> None:
    room_id = a_room(app, room_version="12")
    assert shell.json("show", room_id)["powerful"] == {ALICE: None}
    assert f"{ALICE} creator" in shell.text("show", room_id)


def test_a_state_whose_tables_do_not_agree_is_told(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    assert shell.json("show", room_id)["remarks"] == []
    with app.database.transaction() as txn:
        txn.execute("DELETE FROM current_state WHERE event_type = 'm.room.join_rules'")
    assert "this is damage" in shell.text("show", room_id)


def test_a_room_is_named_by_an_alias_and_without_its_sigil(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    with app.database.transaction() as txn:
        aliases.insert(txn, "#tea:soma.test", head_of(app, room_id).room.room_nid, ALICE, 1)
    assert shell.json("show", "#tea:soma.test")["room_id"] == room_id
    assert shell.json("show", room_id[1:])["aliases"] == ["#tea:soma.test"]


def test_an_unknown_room_is_refused_by_name(app: App, shell: RoomShell) -> None:
    a_room(app)
    refusal = shell.refusal("show", "!nowhere:soma.test")
    assert refusal == "this server does not know the room !nowhere:soma.test; it knows 1\n"
    for name in ("-" + "w" * 42, "-h" + "w" * 41):
        assert f"does not know the room !{name};" in shell.refusal("show", name)
    assert "no alias of this server" in shell.refusal("show", "#nowhere:soma.test")
    assert "named by its id" in shell.refusal("show", "")


def test_of_a_room_that_somebody_is_invited_to_there_is_nothing_to_show(
    app: App, shell: RoomShell
) -> None:
    room = a_room_elsewhere()
    event = room.add(member(BOB, "invite", DAVE))
    assert out_of_band.keep(app, Told(event, ELSEWHERE))
    for words in (("show", room.create.room_id), ("why", room.create.room_id, event.event_id)):
        assert "it knows of invites and knocks alone" in shell.refusal(*words)


def test_an_event_is_named_by_a_beginning_that_no_other_has(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    (said,) = append(app, room_id, message(ALICE, "hello"))
    while said.startswith("$-c"):  # Without its sigil such a beginning is that of an option.
        (said,) = append(app, room_id, message(ALICE, "hello again"))
    for name in (said, said[:12], said[1:12]):
        assert shell.json("why", room_id, name)["event"]["event_id"] == said


def test_an_ambiguous_beginning_lists_what_it_could_be(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    ids: list[str] = []
    while len({event_id[:2] for event_id in ids}) == len(ids):
        ids += append(app, room_id, message(ALICE, f"{len(ids)}"))
    prefix = ids[-1][:2]
    refusal = shell.refusal("why", room_id, prefix)
    assert f"several events of the room begin with {prefix}" in refusal
    for event_id in ids:
        assert (event_id in refusal) is event_id.startswith(prefix)
    assert "m.room.message of @alice:soma.test" in refusal


def test_an_underscore_in_a_beginning_stands_for_itself(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    for name in ("_______", "%", "\\"):
        assert "no event of the room" in shell.refusal("why", room_id, name)


def test_an_event_that_is_not_there_is_looked_for_elsewhere(app: App, shell: RoomShell) -> None:
    room_id, other_id = a_room(app), a_room(app, room_version="11")
    (said,) = append(app, other_id, message(ALICE, "hello"))
    assert shell.refusal("why", room_id, said) == f"{said} is not in this room but in {other_id}\n"
    assert "the shell replaces" in shell.refusal("why", room_id, "")

    room = a_room_with_everything(app)
    (missing,) = shell.json("show", room.create.room_id)["backward_extremities"]
    assert "it is missing" in shell.refusal("why", room.create.room_id, missing)


def test_what_others_wrote_does_not_reach_the_terminal(app: App, shell: RoomShell) -> None:
    hostile = "\x1b]0;owned\x07\x9b31m\u202egnp\n! forged"
    room_id = a_room(app, first=[Draft("m.room.name", ALICE, {"name": hostile}, "")])
    append(app, room_id, Draft("test.\x1b[2J", ALICE, {}, hostile))
    (said,) = append(app, room_id, member(BOB, "join", displayname=hostile))
    for words in (["show"], ["state"], ["graph", said], ["graph", said, "--dot"], ["why", said]):
        what, *rest = words
        text = shell.text(what, room_id, *rest)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
        assert not any(line.startswith("! forged") for line in text.splitlines())
    assert shell.json("show", room_id)["values"]["name"] == hostile
    assert shell.type("show", "--json", room_id).out.isascii()


@pytest.mark.parametrize("what", ["show", "graph", "state", "diff", "why", "resolve", "purge"])
def test_every_subcommand_explains_itself(shell: RoomShell, what: str) -> None:
    typed = shell.type(what, "--help")
    assert typed.status == 0
    assert f"usage: soma room {what}" in typed.out and "--json" in typed.out


def test_nothing_is_written(app: App, shell: RoomShell) -> None:
    room = a_room_with_everything(app)
    room_id, last = room.create.room_id, room.last
    before = _digest(app)
    for words in (["show"], ["graph", last], ["state"], ["why", last], ["resolve"]):
        what, *rest = words
        shell.text(what, room_id, *rest)
    assert _digest(app) == before


def _digest(app: App) -> list[tuple[object, ...]]:
    names = ("rooms", "events", "state_nodes", "state_keys", "current_state", "timeline")
    with app.database.read() as txn:
        found = []
        for name in names:
            txn.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t")
            found.append(txn.fetchone())
        return found
