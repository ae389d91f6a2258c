"""Reactions, edits and threads with matrix-js-sdk, which counts and gathers them by its own rules
from what the server tells. What it needs to run: test_js_sdk.py.
"""

import shutil
from pathlib import Path

from tests.interop import test_js_sdk
from tests.interop.test_js_sdk import DIALOGUE_S_MAX, HERE
from tests.served import Served

installed = test_js_sdk.installed


def test_two_people_with_matrix_js_sdk_react_edit_and_talk_in_threads(
    installed: Path, server: Served, doors: tuple[str, str]
) -> None:
    shutil.copy(HERE / "relations.mjs", installed)
    command = ("node", "relations.mjs", *doors)
    dialogue = test_js_sdk._run(*command, cwd=installed, timeout_s=DIALOGUE_S_MAX)
    shown = f"{dialogue.stderr[-6000:]}\n{dialogue.stdout}\n{server.troubles}"
    assert dialogue.returncode == 0, shown
    assert "All of it was told." in dialogue.stdout
