"""What whole trees of processes have used: processor time and memory, from /proc."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

DATABASE = "postgres"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds of a server, and of its database."""

    server: float
    database: float

    @property
    def total(self) -> float:
        return self.server + self.database

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.server - other.server, self.database - other.database)

    def __truediv__(self, number: float) -> "Spent":
        return Spent(self.server / number, self.database / number)


def tree(roots: Iterable[int]) -> list[int]:
    """The processes and all that descend from them."""
    children = _children()
    found = list(roots)
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def children_of(pid: int) -> list[int]:
    return _children().get(pid, [])


def spent(roots: Iterable[int]) -> Spent:
    """By all of them so far, with those that have ended."""
    by_name = {True: 0, False: 0}
    for pid in tree(roots):
        name, *fields = _fields(pid)
        by_name[name == DATABASE] += sum(map(int, fields[11:15]))
    return Spent(by_name[False] / _TICKS, by_name[True] / _TICKS)


def private_bytes(pid: int) -> int:
    """Memory that is this process's own: what it shares since it was forked is not counted."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/smaps_rollup does not tell")


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        pid = int(stat.parent.name)
        children.setdefault(int(_fields(pid)[2]), []).append(pid)
    return children


def _fields(pid: int) -> list[str]:
    """Of its stat: the name, the state, the parent and so on; zeros of one that is gone."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return ["0"] * 20
    return [before.partition("(")[2], *after.split()]
