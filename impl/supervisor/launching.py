"""Start a program as a child that another user may own and that does not outlive us.

What must happen between fork and exec happens in a small Python of its own, `python -c`, because a
preexec_fn is not safe where there are threads. The order matters: a change of the user clears the
signal that a parent's death sends, so that one is set last."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1

# argv: uid (-1: stay), gid, signal at the parent's death (0: none), the parent's pid, program,
# arguments.
_LAUNCH = """
import ctypes, os, sys
uid, gid, death_signal, parent = map(int, sys.argv[1:5])
if death_signal:
    os.setsid()
if uid >= 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if death_signal:
    ctypes.CDLL(None).prctl(1, death_signal)
    if os.getppid() != parent:
        os._exit(3)
os.umask(0o077)
os.chdir("/")
os.execv(sys.argv[5], sys.argv[5:])
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a program runs as; `uid` -1 is "as we do"."""

    uid: int = -1
    gid: int = -1


def command(owner: Owner, arguments: Sequence[str], death_signal: int = 0) -> list[str]:
    """The command line that starts `arguments` as their owner."""
    numbers = (owner.uid, owner.gid, death_signal, os.getpid())
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, *map(str, numbers), *arguments]


def can_execute(path: str, owner: Owner) -> bool:
    """Whether the owner may reach and run a file, or enter a directory: asked of the kernel."""
    probe = ["/bin/sh", "-c", 'test -x "$0"', path]
    finished = subprocess.run(
        command(owner, probe), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return finished.returncode == 0


def die_with_parent(death_signal: signal.Signals, parent: int) -> None:
    """In a child just forked: be sent a signal when the parent is gone, whatever it died of."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != parent:
        os._exit(3)  # It died before the line above.
