"""Whom a user ignores. C-S API, "Ignoring Users"."""

from impl.app import App
from impl.storage import account_data

IGNORED_USERS = "m.ignored_user_list"
KEPT_MAX = 50_000


class _Kept:
    """The lists that this worker has read, each with the user's position then: it is old once the
    user moved.
    """

    def __init__(self, app: App) -> None:
        self.lists: dict[str, tuple[int, frozenset[str]]] = {}


def get(app: App, user_id: str) -> frozenset[str]:
    kept = app.part(_Kept, _Kept).lists
    position = app.news.user_position(user_id)
    found = kept.get(user_id)
    if found is not None and found[0] == position:
        return found[1]
    with app.database.read() as txn:
        content = account_data.get(txn, user_id, "", IGNORED_USERS)
    users = (content or {}).get("ignored_users")
    # Who puts themselves into the list goes on to see what they say.
    ignored = frozenset(users) - {user_id} if isinstance(users, dict) else frozenset()
    if len(kept) >= KEPT_MAX:
        kept.clear()
    # The user's position may have moved while we read: then it was read anew, and will be again.
    kept[user_id] = (position, ignored)
    return ignored
