"""matrix-nio against a real `soma serve` with two workers, each person at another one."""

import json
import subprocess
import sys

import pytest

from tests.served import ROOT, Served

DIALOGUES_S_MAX = 300
SUBJECTS = (
    "encryption",
    "jump_to_date",
    "knocking",
    "media",
    "meeting",
    "presence",
    "push_rules",
    "relations",
    "reporting",
    "restricted",
    "search",
    "spaces",
    "unread",
    "upgrade",
)


@pytest.fixture(scope="module")
def went(server: Served, doors: tuple[str, str]) -> dict[str, str | None]:
    """subject -> what went wrong."""
    dialogues = subprocess.run(
        [sys.executable, "-m", "tests.interop.with_nio", *doors, *SUBJECTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DIALOGUES_S_MAX,
    )
    assert dialogues.returncode == 0, f"{dialogues.stderr}\n{dialogues.stdout}"
    return json.loads(dialogues.stdout)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_two_people_with_matrix_nio_tell_each_other_all(
    subject: str, went: dict[str, str | None], server: Served
) -> None:
    assert went[subject] is None, f"{went[subject]}\n{server.troubles}"
