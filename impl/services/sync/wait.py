"""Sleep until one of the requester's streams moves. C-S API, "Syncing".

Nothing here asks the database: the news that this worker hears says which rooms and users moved,
and how far."""

from collections.abc import Collection

from impl.app import App

# A client may ask for more; it is answered after this, and asks again.
TIMEOUT_MS_MAX = 120_000


def has_moved(app: App, user_id: str, room_nids: Collection[int], since: int) -> bool:
    """Whether there may be something for the user after a position."""
    news = app.news
    if since >= news.position:
        return False
    return news.user_position(user_id) > since or bool(news.changed_rooms(room_nids, since))


def until_moved(
    app: App, user_id: str, room_nids: Collection[int], since: int, timeout_ms: float
) -> bool:
    """Sleep until there may be; False once the time is over, or when the server stops."""
    if timeout_ms <= 0 or app.is_stopping:
        return False
    return app.news.wait(user_id, room_nids, since, timeout_ms / 1000)
