"""`soma federation status` and `retry`, as they are typed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impl.app import App
from impl.commands import main as commands
from impl.storage import destinations, outgoing, streams
from impl.storage.destinations import Destination
from tests.builders import ALICE, a_room, append, message
from tests.commands.room_shell import RoomShell
from tests.services.sending.world import come, rows_of
from tests.supervisor.soma_process import soma

FAR = "far.example"
HOUR_MS = 3_600_000

Type = Callable[..., tuple[int, str, str]]


@pytest.fixture
def type_(shell: RoomShell, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type `soma federation ...`: the status, what is shown, what is complained of."""

    def type_(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = commands.main(["federation", *words, "-c", str(shell.config)])
        return status, *capsys.readouterr()

    return type_


@pytest.fixture
def behind(app: App) -> App:
    """A far server missed two rooms, and cannot be reached; another lags."""
    now_ms = app.now_ms()
    for _ in range(2):
        room_id = a_room(app, room_version="11")
        come(app, room_id, f"@dave:{FAR}")
        append(app, room_id, message(ALICE, "one"), message(ALICE, "two"))
    with app.database.transaction() as txn:
        destinations.get_shards(txn, 1, [0])
        destinations.put_shards(txn, 1, {0: 3})
        outgoing.put_to_device(txn, [(FAR, "{}")], now_ms - 2 * HOUR_MS)
        destinations.put(
            txn,
            [
                Destination(
                    FAR, 0, None, None, now_ms - 3 * HOUR_MS, "refused\x1b[2J", now_ms + HOUR_MS, 1
                ),
                Destination("slow.example", 5),
            ],
        )
    return app


def test_where_nothing_was_sent_that_is_said(type_: Type) -> None:
    assert type_("status") == (0, "Nothing was ever sent to other servers.\n", "")


def test_what_nobody_has_come_to_is_counted(app: App, type_: Type) -> None:
    room_id = a_room(app, room_version="11")
    come(app, room_id, f"@dave:{FAR}")
    with app.database.transaction() as txn:
        destinations.get_shards(txn, 1, [0])
        destinations.put_shards(txn, 1, {0: streams.current(txn)})
    # However far the stream has gone on for reasons of its own.
    all_told = "All other servers have been told everything, and answer.\n"
    assert type_("status") == (0, all_told, "")
    append(app, room_id, message(ALICE, "one"), message(ALICE, "two"))
    waiting = "All other servers answer.\nEvents that nobody has come to yet: 2.\n"
    assert type_("status") == (0, waiting, "")
    assert json.loads(type_("status", "--json")[1])["waiting_count"] == 2


def test_who_is_behind_is_shown_and_why(behind: App, type_: Type) -> None:
    status, shown, complaint = type_("status")
    assert (status, complaint) == (0, "")
    lines = shown.splitlines()
    assert lines[0] == "2 servers have not been told everything; 1 server does not answer."
    assert lines[1] == "Messages to devices that wait: 1."
    (far,) = [line for line in lines if line.startswith(f"  {FAR}")]
    assert "in 59 min" in far or "in 1 h" in far
    assert far.endswith("refused\\u001b[2J")
    (slow,) = [line for line in lines if line.startswith("  slow.example")]
    assert slow.split(maxsplit=3)[1:] == ["-", "now", "it is being told what it missed"]


def test_one_server_is_shown_in_more_detail(behind: App, type_: Type) -> None:
    status, shown, _ = type_("status", FAR)
    assert status == 0
    rows = dict(line[2:].split("  ", 1) for line in shown.splitlines()[1:])
    assert rows["rooms with us"].strip() == "2"
    assert rows["failing since"].strip().endswith("(3 h ago)")
    assert rows["rooms it missed"].strip().startswith("2, since ")
    assert rows["to its devices"].strip().startswith("1 messages, since ")
    _, shown, _ = type_("status", "good.example")
    assert "it has been told everything, and answers" in shown


def test_scripts_are_told_all_of_it(behind: App, type_: Type) -> None:
    report: dict[str, Any] = json.loads(type_("status", "--json")[1])
    assert (report["behind_count"], report["failing_count"]) == (2, 1)
    assert [one["server_name"] for one in report["behind"]] == [FAR, "slow.example"]
    one: dict[str, Any] = json.loads(type_("status", FAR, "--json")[1])
    assert one["missed_room_count"] == 2
    assert one["behind"]["failure"] == "refused\x1b[2J"


def test_a_server_is_tried_when_an_administrator_says_so(behind: App, type_: Type) -> None:
    assert type_("retry", FAR) == (0, "Servers that are tried now: 1.\n", "")
    assert rows_of(behind)[FAR]["retry_ts"] == 0
    assert type_("retry", FAR) == (0, "None is left alone.\n", "")
    assert type_("retry", "good.example") == (0, "None is left alone.\n", "")


def test_all_servers_are_tried(behind: App, type_: Type) -> None:
    assert json.loads(type_("retry", "--all", "--json")[1]) == {"retried": 1}
    assert rows_of(behind)[FAR]["retry_ts"] == 0


@pytest.mark.parametrize("name", ["no name", "soma.test", ""])
def test_what_is_no_other_server_is_refused(behind: App, type_: Type, name: str) -> None:
    for words in (("status", name), ("retry", name)):
        status, shown, complaint = type_(*words)
        assert (status, shown) == (1, "")
        assert complaint.startswith("soma: ")


def test_it_runs_in_a_process_of_its_own(behind: App, shell: RoomShell) -> None:
    result = soma("federation", "status", "-c", Path(shell.config))
    assert FAR in result.stdout, result.stdout + result.stderr
    assert (result.returncode, result.stderr) == (0, "")
