"""The loop that sees to staged PDUs which nobody sees to: their worker was stopped or killed, it
had its hands full, or they wait for a server that could not be reached.
services/incoming/staging.py.
"""

from impl.app import App
from impl.services.incoming import staging

LOOK_S = 2.0


def run(app: App) -> None:
    """Look every few seconds, until the server stops."""
    while app.pause(LOOK_S):
        staging.take_up(app)
