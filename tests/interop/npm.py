"""npm packages for the dialogues in js/: installed once, outside of the checkouts, for all of them.

They run where Node 20 and npm are. Without them, or without a registry to install from, they are
skipped, but with SOMA_INTEROP=1 they fail.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import network_guard

HERE = Path(__file__).parent / "js"
NODE_LEAST = 20
INSTALL_S_MAX = 240


def install(directory: Path) -> Path:
    """Make `directory` one with the dialogues of this checkout, beside the packages of all."""
    if not (shutil.which("node") and shutil.which("npm")):
        _cannot("node and npm are not installed")
    version = run("node", "--version", cwd=HERE, timeout_s=30).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < NODE_LEAST:
        _cannot(f"node is {version}, and {NODE_LEAST} is needed")
    _fill(_cache())
    shutil.copytree(HERE, directory, dirs_exist_ok=True)
    (directory / "node_modules").symlink_to(_cache() / "node_modules")
    return directory


def run(*command: str, cwd: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **network_guard.PROXIES}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=timeout_s, env=environment
    )


def _cannot(reason: str) -> None:
    if os.environ.get("SOMA_INTEROP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _cache() -> Path:
    """A directory for each content of package.json."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((HERE / "package.json").read_bytes()).hexdigest()[:16]
    return home / "soma-tests" / f"js-{digest}"


def _fill(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "package.json", directory)
    # One at a time; `installed` stands there once all of it does.
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (directory / "installed").exists():
            return
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
        try:
            done = run("npm", "install", *options, cwd=directory, timeout_s=INSTALL_S_MAX)
        except subprocess.TimeoutExpired:
            _cannot(f"npm did not install the packages within {INSTALL_S_MAX} s")
        if done.returncode != 0:
            _cannot(f"npm could not install the packages: {done.stderr[-1000:]}")
        (directory / "installed").touch()
