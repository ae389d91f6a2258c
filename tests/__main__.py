"""The whole suite on all cores: `python -m tests [options of pytest]`.

pytest-xdist cannot do it: its workers talk through execnet, whose threads do not survive the
patches that gevent makes. Here each part of the suite is a pytest of its own, with a PostgreSQL of
its own, and as many run at a time as there are cores. A part takes some seconds to begin, so a part
is a directory, and only the large ones are divided.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent
FILES_MOST = 16
# These have environments of their own in tox.ini, with Synapse in them.
ELSEWHERE = ("peer", "synapse")
# What takes long comes first, or the last core would run alone for long.
LONGEST = ("faults", "interop", "services", "federation", "api", "contract", "core")
# pytest says so where a part has no tests: where all of its files are left out by an option.
NO_TESTS = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    part: str
    status: int
    seconds: float
    output: str


def parts() -> list[list[Path]]:
    """The files of the suite, each in one part, those first that take longest."""
    found: list[list[Path]] = [sorted(ROOT.glob("test_*.py"))]
    for directory in sorted(path for path in ROOT.iterdir() if path.is_dir()):
        if directory.name not in ELSEWHERE:
            found.extend(_divided(directory))

    def place(part: list[Path]) -> int:
        name = part[0].relative_to(ROOT).parts[0]
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    return sorted(found, key=place)


def _divided(directory: Path) -> Iterator[list[Path]]:
    files = sorted(directory.rglob("test_*.py"))
    count = -(-len(files) // FILES_MOST)
    for number in range(count):
        # Neighbours are alike in what they take.
        yield files[number::count]


def run(part: list[Path], options: list[str]) -> Outcome:
    began = time.monotonic()
    files = [str(path.relative_to(ROOT.parent)) for path in part]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *files],
        cwd=ROOT.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    name = f"{files[0]} and {len(files) - 1} more" if len(files) > 1 else files[0]
    return Outcome(name, done.returncode, time.monotonic() - began, done.stdout)


def main(options: list[str]) -> int:
    failed: list[Outcome] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = [pool.submit(run, part, options) for part in parts()]
        for future in as_completed(running):
            outcome = future.result()
            summary = outcome.output.strip().rpartition("\n")[2]
            print(f"{outcome.seconds:6.0f} s  {outcome.part}: {summary}", flush=True)
            if outcome.status not in (0, NO_TESTS):
                failed.append(outcome)
    for outcome in failed:
        print(f"\n{outcome.part}\n{outcome.output}")
    print(f"{len(failed)} of {len(running)} parts failed" if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
