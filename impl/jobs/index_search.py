"""The loop that keeps the index of what is searched up to the stream. services/search/index.py.

While nothing happens it asks nothing of the database: the news says how far the stream goes. Of
several processes one has the lease; the others look now and then whether it is free."""

from impl.app import App
from impl.services.search import index
from impl.storage.lease import Lease

LEASE = "search index"
STANDBY_S = 30.0
# How late a message may be found that nobody searched before.
LAG_S = 1.0
# Between two batches of many, so that who waits for the database is served in between.
BREATH_S = 0.02


def run(app: App) -> None:
    """Index, when the lease is ours, until the server stops."""
    lease = Lease(app.database, LEASE)
    try:
        while not app.is_stopping:
            if lease.hold():
                # What comes while it is indexed, after the last look, is news as well.
                position = app.news.position
                index_all(app)
                _wait(app, position)
            else:
                app.pause(STANDBY_S)
    finally:
        lease.release()


def index_all(app: App) -> None:
    """Index until there is nothing left, or the server stops."""
    while app.pause(BREATH_S) and index.index_some(app):
        pass


def _wait(app: App, position: int) -> None:
    """Until there is news after a position."""
    while app.pause(LAG_S) and app.news.position == position:
        pass
