"""The groups of a page of results. C-S API, "Server Side Search", "Groups"."""

from typing import Any

from impl.services.search import tokens
from impl.services.search.candidates import Found
from impl.services.search.tokens import Token
from impl.storage.events import StoredEvent
from impl.storage.search import Place


def write(found: Found, key: str) -> dict[str, dict[str, Any]]:
    """Which results of the page belong together. Groups are numbered as their first results
    come; the token of one leads to more of it.
    """
    groups: dict[str, dict[str, Any]] = {}
    last: dict[str, Place] = {}
    for place, one in found.page:
        group_id = _group_of(one, key)
        group = groups.setdefault(group_id, {"order": len(groups), "results": []})
        group["results"].append(one.event_id)
        last[group_id] = place
    later = {_group_of(one, key) for _, one in found.seen[found.limit :]}
    for group_id, group in groups.items():
        if found.is_cut or group_id in later:
            group["next_batch"] = tokens.write(Token(last[group_id], None, key, group_id))
    return groups


def _group_of(stored: StoredEvent, key: str) -> str:
    return stored.event.room_id if key == "room_id" else stored.event.sender
