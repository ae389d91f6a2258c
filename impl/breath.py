"""A breath: who computes for long gives the worker's other requests their turn.

`gevent.sleep(0)` lets those go on who are ready, and nobody else becomes so: sockets and times are
looked at only when the loop goes round, for which it takes a thousand such sleeps."""

import gevent

_MOMENT_S = 1e-6


def take() -> None:
    """Let all others go on, those as well who wait for a socket or a time that is over."""
    gevent.sleep(_MOMENT_S)
