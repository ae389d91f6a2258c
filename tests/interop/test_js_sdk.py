"""matrix-js-sdk, on Node, against a real `soma serve` with two workers, each person at another one.

Runs where Node 20 and npm are; the SDK is installed once, outside of the checkout. Without them,
or without a registry to install from, it is skipped, but with SOMA_INTEROP=1 it fails.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.served import Served

HERE = Path(__file__).parent / "js"
NODE_LEAST = 20
INSTALL_S_MAX = 240
DIALOGUE_S_MAX = 180


def _cannot(reason: str) -> None:
    if os.environ.get("SOMA_INTEROP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _run(*command: str, cwd: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout_s)


def _cache() -> Path:
    """The SDK's directory: one for each content of package.json, for all checkouts."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((HERE / "package.json").read_bytes()).hexdigest()[:16]
    return home / "soma-tests" / f"js-{digest}"


def _install(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "package.json", directory)
    # One at a time; `installed` stands there once all of it does.
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (directory / "installed").exists():
            return
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
        try:
            done = _run("npm", "install", *options, cwd=directory, timeout_s=INSTALL_S_MAX)
        except subprocess.TimeoutExpired:
            _cannot(f"npm did not install matrix-js-sdk within {INSTALL_S_MAX} s")
        if done.returncode != 0:
            _cannot(f"npm could not install matrix-js-sdk: {done.stderr[-1000:]}")
        (directory / "installed").touch()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the dialogue and the SDK."""
    if not (shutil.which("node") and shutil.which("npm")):
        _cannot("node and npm are not installed")
    version = _run("node", "--version", cwd=HERE, timeout_s=30).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < NODE_LEAST:
        _cannot(f"node is {version}, and {NODE_LEAST} is needed")
    _install(_cache())
    # The dialogue of this checkout beside the SDK of all.
    directory = tmp_path_factory.mktemp("js")
    for name in ("package.json", "dialogue.mjs"):
        shutil.copy(HERE / name, directory)
    (directory / "node_modules").symlink_to(_cache() / "node_modules")
    return directory


def test_two_people_with_matrix_js_sdk_meet_talk_and_part(
    installed: Path, server: Served, doors: tuple[str, str]
) -> None:
    dialogue = _run("node", "dialogue.mjs", *doors, cwd=installed, timeout_s=DIALOGUE_S_MAX)
    shown = f"{dialogue.stderr[-6000:]}\n{dialogue.stdout}\n{server.troubles}"
    assert dialogue.returncode == 0, shown
    assert "They parted as friends." in dialogue.stdout
