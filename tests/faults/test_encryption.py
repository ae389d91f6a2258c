"""End-to-end encryption while the server's processes are killed: matrix-js-sdk, with its Rust
crypto, on seven devices of three people. No message may be lost to a device, or stay unreadable
there.

What that takes of the server: a message to a device arrives, once; a one-time key is handed out
once; whoever is told of a change of devices finds the new ones, whichever worker answers.

In CI a short talk; with SOMA_FAULTS_LONG=1, as `tox -e faults` has it, a thousand messages.
"""

import os
import random
import shutil
import subprocess
import threading
from pathlib import Path

from tests.interop import npm
from tests.served import Served

PROGRAM = Path(__file__).parent / "talk_in_secret.mjs"
LONG = os.environ.get("SOMA_FAULTS_LONG") == "1"
MESSAGES = 1000 if LONG else 108
# Of so many messages one is the last that some worker hears of.
WORKER_EVERY = 20
# All processes at once, after so many of these.
ALL_AFTER = 7 if LONG else 3
TALK_S_MAX = 900 if LONG else 180


def kill_while_they_talk(server: Served, talk: subprocess.Popen[str]) -> tuple[int, str]:
    """Returns when nobody says anything more: how often it killed, and what was told last."""
    chance, kills, line = random.Random(7), 0, ""
    assert talk.stdout is not None
    for line in talk.stdout:
        # "said" and how many messages were acknowledged.
        first, _, count = line.partition(" ")
        if first != "said" or int(count) % WORKER_EVERY:
            continue
        kills += 1
        if kills % ALL_AFTER:
            server.kill_a_worker(chance)
        else:
            server.kill()
            server.start()
    return kills, line


def test_every_message_is_read_on_every_device_though_processes_are_killed(tmp_path: Path) -> None:
    directory = npm.install(tmp_path / "js")
    shutil.copy(PROGRAM, directory)
    with Served.new(workers=2) as server, (tmp_path / "errors").open("w+") as errors:
        command = ["node", PROGRAM.name, server.url, str(MESSAGES)]
        talk = subprocess.Popen(
            command, cwd=directory, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        alarm = threading.Timer(TALK_S_MAX, talk.kill)
        alarm.start()
        try:
            kills, rest = kill_while_they_talk(server, talk)
            talk.wait()
        finally:
            alarm.cancel()
            talk.kill()
        errors.seek(0)
        shown = f"{errors.read()[-6000:]}\n{rest}\n{server.troubles}"
        assert talk.returncode == 0 and rest.startswith("All of it was read."), shown
        assert kills >= MESSAGES // WORKER_EVERY
