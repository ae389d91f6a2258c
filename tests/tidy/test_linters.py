"""Style, layers, types, and whether generated/ is fresh: the tools that say so, run as tests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["lint-imports", "--no-cache"],
        ["mypy"],
        ["python", "-m", "codegen", "check"],
    ],
    ids=" ".join,
)
def test_the_tree_passes(command: list[str]) -> None:
    program = sys.executable if command[0] == "python" else str(TOOLS / command[0])
    result = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
