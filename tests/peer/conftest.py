"""Soma beside Synapse, for which `tox -e peer` has an environment of its own. Where Synapse is not
installed there is nothing to collect here: it is no part of the project, nor of CI.

SOMA_PEER_GRAPHS is the number of random rooms; the summary says how many resolutions and checks
were compared, and which differences there were.
"""

import importlib.util

import pytest

from tests.peer.tally import TALLY

collect_ignore_glob = [] if importlib.util.find_spec("synapse") else ["*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in TALLY.lines():
        terminalreporter.write_line(line)
