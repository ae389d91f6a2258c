"""Child processes of tests."""

import os
from pathlib import Path

from impl.services.media.image_process import ImageProcess


def computed_s(process: ImageProcess) -> float:
    """How long it has computed: what else the machine does is no part of it."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
