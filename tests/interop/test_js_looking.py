"""Search, spaces, summaries and dates with matrix-js-sdk, which pages and gathers by its own rules.
What it needs to run: test_js_sdk.py.
"""

import shutil
from pathlib import Path

from tests.interop import test_js_sdk
from tests.interop.test_js_sdk import DIALOGUE_S_MAX, HERE
from tests.served import Served

installed = test_js_sdk.installed


def test_with_matrix_js_sdk_one_finds_what_was_said_and_what_is_in_a_space(
    installed: Path, server: Served, doors: tuple[str, str]
) -> None:
    shutil.copy(HERE / "looking.mjs", installed)
    command = ("node", "looking.mjs", *doors)
    dialogue = test_js_sdk._run(*command, cwd=installed, timeout_s=DIALOGUE_S_MAX)
    shown = f"{dialogue.stderr[-6000:]}\n{dialogue.stdout}\n{server.troubles}"
    assert dialogue.returncode == 0, shown
    assert "All of it was found." in dialogue.stdout
