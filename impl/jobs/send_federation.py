"""The loop of the sender: what is for other servers is told them. services/sending/sender.py.

Every process has a part of the destinations, by leases; that of one who ends is taken over by the
others."""

import logging

import gevent

from impl.app import App
from impl.services.sending.sender import Sender
from impl.storage.database import DatabaseUnavailable

# It is looked so often for what nobody tells of: times that are over, leases that are free.
TURN_S_MAX = 1.0
# What comes in quick succession is read together.
BREATH_S = 0.01
RETRY_S = 1.0
STOP_S_MAX = 5.0

_log = logging.getLogger(__name__)


def run(app: App) -> None:
    """Send until the server stops."""
    sender = Sender(app)
    try:
        while not app.is_stopping:
            try:
                sender.turn()
            except DatabaseUnavailable as error:
                _log.warning("sending to other servers waits for the database: %s", error)
                app.pause(RETRY_S)
            sender.woken.wait(TURN_S_MAX)
            sender.woken.clear()
            gevent.sleep(BREATH_S)
    finally:
        sender.stop(STOP_S_MAX)
