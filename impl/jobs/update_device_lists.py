"""The loop that sees to device lists in doubt which nobody sees to: their worker was stopped or
killed, it had its hands full, or their server could not be reached.
services/remote_devices/fetching.py.
"""

from impl.app import App
from impl.services.remote_devices import fetching

LOOK_S = 5.0


def run(app: App) -> None:
    """Look every few seconds, until the server stops."""
    while app.pause(LOOK_S):
        fetching.take_up(app)
