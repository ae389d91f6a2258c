"""Finding people. C-S API, "User Directory".

There is no list of users to keep: who is visible to whom follows from the rooms as they are when it
is asked (storage/user_directory.py), so nobody is found a moment longer than they may be."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import name_search
from impl.requester import Requester
from impl.storage import memberships, profiles, user_directory
from impl.storage.user_directory import Found, Rules

LIMIT_DEFAULT = 10
LIMIT_MAX = 50


def search(app: App, requester: Requester, term: str, limit: int | None) -> dict[str, Any]:
    """The response. Nothing that could be searched in the term finds nobody."""
    if limit is not None and limit < 0:
        raise errors.InvalidParam("limit must not be negative")
    number = LIMIT_DEFAULT if limit is None else min(limit, LIMIT_MAX)
    config = app.config.user_directory
    wanted = name_search.wanted(term)
    if wanted.is_empty or not config.enabled:
        return {"results": [], "limited": False}
    rules = Rules(
        with_all_of_ours=config.search_all_users,
        with_remote=not config.exclude_remote_users,
        with_locked=config.show_locked_users,
        is_ours_first=config.prefer_local_users,
    )
    user_id = requester.user_id
    with app.database.read() as txn:
        mine = memberships.list_joined_room_nids(txn, user_id)
        found = user_directory.search(txn, user_id, mine, wanted, rules, number + 1)
        shown = found[:number]
        own = profiles.get_many(txn, [one.user_id for one in shown if one.is_ours])
    return {
        "results": [_result(one, own.get(one.user_id, {})) for one in shown],
        "limited": len(found) > number,
    }


def _result(found: Found, profile: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "display_name": found.display_name or profile.get("displayname"),
        "avatar_url": found.avatar_url or profile.get("avatar_url"),
    }
    known = {name: value for name, value in fields.items() if isinstance(value, str) and value}
    return {"user_id": found.user_id, **known}
