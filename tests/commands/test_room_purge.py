"""`soma room purge`."""

import io

import pytest

from impl.app import App
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.commands.room_shell import RoomShell


def test_a_room_that_nobody_of_ours_is_in_is_purged(app: App, shell: RoomShell) -> None:
    room_id, other_id = a_room(app), a_room(app)
    append(app, room_id, message(ALICE, "hello"), member(ALICE, "leave"))
    counts = shell.json("purge", room_id)
    assert counts["events"] == 6 and counts["rooms"] == 1
    assert "does not know the room" in shell.refusal("show", room_id)
    assert shell.json("show", other_id)["events"]["events"] == 4


def test_users_of_ours_are_made_to_leave_only_if_that_is_asked_for(
    app: App, shell: RoomShell
) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    assert shell.refusal("purge", room_id) == (
        "the room cannot be purged: 2 users of this server are in it; --force makes them leave\n"
    )
    assert shell.json("show", room_id)["members"] == {"join": 2}
    text = shell.text("purge", room_id, "--force")
    assert text.startswith(f"Purged {room_id}. Rows deleted:\n")
    assert "  events                  7\n" in text  # Two left.
    assert "does not know the room" in shell.refusal("purge", room_id)


def test_without_the_signing_key_nothing_is_purged(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    (shell.config.with_suffix(".key")).unlink()
    assert "signing_key_path" in shell.refusal("purge", room_id, "--force")
    assert shell.json("show", room_id)["members"] == {"join": 1}


def test_at_a_terminal_it_is_asked_for(
    app: App, shell: RoomShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(app)
    append(app, room_id, member(ALICE, "leave"))
    for answer, status in (("", 1), ("\n", 1), ("no\n", 1), ("yes\n", 0)):
        terminal = io.StringIO(answer)
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stdin", terminal)
        typed = shell.type("purge", room_id)
        assert (typed.status, "Delete all this for good?" in typed.out) == (status, True)
        assert room_id in typed.out
    assert "does not know the room" in shell.refusal("show", room_id)
