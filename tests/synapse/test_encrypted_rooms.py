"""Real clients with keys of their own on both ends, one at Soma and one at Synapse: each reads what
the other wrote. The dialogues are those of tests/interop, which do not know of two servers."""

import json
import subprocess
import sys

import pytest

from tests.served import ROOT
from tests.synapse.homeservers import Homeserver

Pair = tuple[Homeserver, Homeserver]
DIALOGUE_S_MAX = 180


@pytest.mark.parametrize("subject", ["encryption", "meeting"])
def test_two_people_with_matrix_nio_tell_each_other_all(pair: Pair, subject: str) -> None:
    urls = [one.url for one in pair]
    dialogue = subprocess.run(
        [sys.executable, "-m", "tests.interop.with_nio", *urls, subject],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DIALOGUE_S_MAX,
    )
    assert dialogue.returncode == 0, f"{dialogue.stderr}\n{dialogue.stdout}"
    went_wrong = json.loads(dialogue.stdout)[subject]
    assert went_wrong is None, went_wrong
