"""matrix-js-sdk, on Node, against a real `soma serve` with two workers, each person at another one.

A dialogue is a file in js/. By default each is short; `SOMA_INTEROP_LONG=1`, which `tox -e interop`
sets, makes more rounds of it. What they need to run: npm.py.
"""

from pathlib import Path

import pytest

from tests.interop import npm
from tests.served import Served

DIALOGUE_S_MAX = 180
SUBJECTS = (
    "bot",
    "dehydration",
    "devices",
    "encryption",
    "jump_to_date",
    "key_backup",
    "knocking",
    "looking",
    "media",
    "meeting",
    "members",
    "peeking",
    "personal",
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


@pytest.mark.parametrize("subject", SUBJECTS)
def test_two_people_with_matrix_js_sdk_tell_each_other_all(
    subject: str, installed: Path, server: Served, doors: tuple[str, str]
) -> None:
    dialogue = npm.run("node", f"{subject}.mjs", *doors, cwd=installed, timeout_s=DIALOGUE_S_MAX)
    shown = f"{dialogue.stderr[-6000:]}\n{dialogue.stdout[-2000:]}\n{server.troubles}"
    assert dialogue.returncode == 0, shown
    assert "All of it was told." in dialogue.stdout


def test_every_dialogue_is_held() -> None:
    parts = {"bot_itself", "encrypted", "people"}
    parts |= {"together"}  # Held in test_together.py.
    assert {path.stem for path in npm.HERE.glob("*.mjs")} - parts == set(SUBJECTS)
