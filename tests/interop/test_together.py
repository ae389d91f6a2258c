"""matrix-js-sdk and matrix-nio in one encrypted room: a process each, at the same time."""

import json
import subprocess
import sys
from pathlib import Path

from tests.interop import npm
from tests.interop.test_js_sdk import DIALOGUE_S_MAX
from tests.served import ROOT, Served


def test_people_with_matrix_js_sdk_and_matrix_nio_write_to_each_other_with_keys(
    installed: Path, server: Served, doors: tuple[str, str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.interop.with_nio", *doors, "together"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as with_nio:
        try:
            with_js = npm.run(
                "node", "together.mjs", *doors, cwd=installed, timeout_s=DIALOGUE_S_MAX
            )
            out, errors = with_nio.communicate(timeout=DIALOGUE_S_MAX)
        finally:
            with_nio.kill()
    shown = f"{errors[-3000:]}\n{with_js.stderr[-6000:]}\n{server.troubles}"
    assert with_nio.returncode == 0, shown
    went = json.loads(out)["together"]
    assert went is None, f"{went}\n{shown}"
    assert with_js.returncode == 0, shown
    assert "All of it was told." in with_js.stdout
