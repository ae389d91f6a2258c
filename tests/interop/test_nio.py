"""matrix-nio against a real `soma serve` with two workers, each person at another one."""

import subprocess
import sys

from tests.served import ROOT, Served

DIALOGUE_S_MAX = 180


def test_two_people_with_matrix_nio_meet_talk_and_part(
    server: Served, doors: tuple[str, str]
) -> None:
    dialogue = subprocess.run(
        [sys.executable, "-m", "tests.interop.nio_dialogue", *doors],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DIALOGUE_S_MAX,
    )
    assert dialogue.returncode == 0, f"{dialogue.stderr}\n{dialogue.stdout}\n{server.troubles}"
    assert "They parted as friends." in dialogue.stdout
