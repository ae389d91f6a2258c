"""`soma room graph`: lanes, marks, and what is left out."""

import re
from collections.abc import Sequence

import pytest

from impl.app import App
from impl.commands.room_text import lanes
from tests.builders import ALICE, a_room, append, member, message
from tests.commands.room_shell import RoomShell
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    FRANK,
    a_room_elsewhere,
    send,
    topic,
)


def drawn(text: str, names: dict[str, str]) -> list[str]:
    """The drawing alone, with short names instead of ids."""
    found = []
    for line in text.partition("\n\n")[0].splitlines():
        match = re.match(r"(.*?)  (\$\S+)", line)
        if match is None:
            found.append(line)
            continue
        name = next((names[one] for one in names if one.startswith(match[2])), "")
        found.append(f"{match[1]} {name}".rstrip())
    return found


def test_forks_and_merges_are_drawn_with_their_marks(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    bad = room.add(topic(EVELYN, "not hers to set"), [base])
    ban = room.add(member(EVELYN, "ban", DAVE), [bad.event_id])
    late = room.add(message(EVELYN, "late"), [base])
    other = room.add(message(ALICE, "a branch"), [base])
    merge = room.add(message(DAVE, "both"), [ban.event_id, other.event_id])
    send(app, room, *room.events.values())

    names = {
        base: "base",
        bad.event_id: "bad",
        ban.event_id: "ban",
        late.event_id: "late",
        other.event_id: "other",
        merge.event_id: "merge",
    }
    room_id = room.create.room_id
    text = shell.text("graph", room_id, ban.event_id, "--before", "2")
    assert drawn(text, names) == [
        "* merge",
        "|\\",
        "S | ban",
        "| * other",
        "x | bad",
        "|/",
        "S base",
    ]
    (line,) = [line for line in text.splitlines() if merge.event_id[:12] in line]
    assert "[forward extremity]" in line
    (line,) = [line for line in text.splitlines() if ban.event_id[:12] in line]
    assert line.endswith("<== this one") and EVELYN in line
    (line,) = [line for line in text.splitlines() if base[:12] in line]
    assert "1 below not shown, 1 above not shown" in line  # Above is the late one.
    assert "[rejected]" in text

    text = shell.text("graph", room_id, base)
    (line,) = [line for line in text.splitlines() if late.event_id[:12] in line]
    assert "~" in line.partition("$")[0] and "[soft-failed]" in line
    assert set(names.values()) <= set(" ".join(drawn(text, names)).split())


def test_so_many_before_and_after_are_shown(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    ids = append(app, room_id, *(message(ALICE, str(number)) for number in range(9)))
    report = shell.json("graph", room_id, ids[4], "--before", "2", "--after", "1")
    assert [one["event"]["event_id"] for one in report["vertices"]] == ids[2:6][::-1]
    newest, *_, oldest = report["vertices"]
    assert newest["followed_by"] == 1
    assert oldest["not_shown"] == [ids[1]] == oldest["prev_events"]
    alone = shell.json("graph", room_id, ids[4], "--before", "0", "--after", "0")
    assert len(alone["vertices"]) == 1
    assert shell.type("graph", room_id, ids[4], "--before", "-1").status == 2


def test_what_is_missing_is_drawn_as_such(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    lost = room.add(message(DAVE, "lost"))
    last = room.add(message(DAVE, "arrives"))
    send(app, room, last, state_before=list(room.states[lost.event_id].values()))
    text = shell.text("graph", room.create.room_id, last.event_id)
    assert f"?  {lost.event_id}  [missing, backward extremity]" in text
    (vertex,) = [
        one
        for one in shell.json("graph", room.create.room_id, last.event_id)["vertices"]
        if one["event"]["status"] == "missing"
    ]
    assert vertex["event"]["event_id"] == lost.event_id and vertex["is_backward_extremity"]


def test_an_outlier_is_drawn_above_what_it_refers_to(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    base = room.last
    outlier = room.add(member(FRANK, "join"))
    send(app, room, outlier, is_outlier=True)
    names = {base: "base", outlier.event_id: "outlier"}
    text = shell.text("graph", room.create.room_id, outlier.event_id, "--before", "1")
    assert drawn(text, names) == ["o outlier", "S base"]


def test_graphviz_gets_vertices_and_edges(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    bad = room.add(topic(EVELYN, 'a "quoted" one'), [base])
    good = room.add(message(DAVE, "on it"))
    send(app, room, *room.events.values())
    text = shell.text("graph", room.create.room_id, bad.event_id, "--dot", "--before", "1")
    assert text.startswith("digraph room {") and text.endswith("}\n")
    assert f'"{good.event_id}" -> "{bad.event_id}";' in text
    assert f'"{bad.event_id}" -> "{base}";' in text
    (line,) = [line for line in text.splitlines() if line.startswith(f'  "{bad.event_id}" [')]
    assert 'fillcolor="lightcoral"' in line and 'shape="ellipse"' in line
    assert text.count("->") == 2


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        # One line.
        ({"b": "a", "a": ""}, ["* b", "* a"]),
        # Two ends, of which one is a beginning.
        ({"d": "b", "c": "a", "b": "", "a": ""}, ["* d", "| * c", "* | b", " /", "* a"]),
        # An event of three branches, which begin in one.
        (
            {"m": "abc", "a": "z", "b": "z", "c": "z", "z": ""},
            ["* m", "|\\", "| |\\", "* | | a", "| * | b", "| | * c", "|_|/", "|/", "* z"],
        ),
        # A branch of a branch.
        (
            {"m": "ab", "n": "bc", "a": "z", "b": "z", "c": "z", "z": ""},
            [
                *("* m", "|\\", "| | * n", "| | |\\", "* | | | a", "| |/ /"),
                *("| * | b", "| | * c", "|_|/", "|/", "* z"),
            ],
        ),
        # Others make room to the right.
        (
            {"y": "z", "m": "ab", "x": "c", "a": "z", "b": "z", "c": "z", "z": ""},
            [
                *("* y", "| * m", "| |\\", "| | | * x", "| * | | a", "| | * | b", "| | | * c"),
                *("|_|_|/", "|_|/", "|/", "* z"),
            ],
        ),
        # What refers to each other has no above and below.
        ({"b": "a", "a": "b"}, ["* b", "* a"]),
    ],
)
def test_lanes(parents: dict[str, Sequence[str]], expected: list[str]) -> None:
    rows = lanes.draw(list(parents), parents, dict.fromkeys(parents, "*"))
    assert [f"{row.drawing} {row.vertex or ''}".rstrip() for row in rows] == expected
