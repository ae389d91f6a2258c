"""The loop that fetches the members of rooms that we came into without them, where no worker does:
it was stopped or killed, or nobody could be reached. services/remote_history/completion.py.
"""

from impl.app import App
from impl.services.remote_history import completion

LOOK_S = 2.0


def run(app: App) -> None:
    """Look every few seconds, until the server stops."""
    while app.pause(LOOK_S):
        completion.take_up(app)
