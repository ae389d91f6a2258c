"""The published rooms of this server, and of others. C-S API, "Published room directory".

What the directory shows of a room is kept in the worker until the room's position in the stream
moves, so a look into the directory costs what has changed since the last one, not what is there.
Rooms stand in the order of their joined members, the largest first; a token names the place in that
order at which a page ended."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import aliases, remote_queries, room_reading, room_summaries
from impl.services.room_summaries import Outline
from impl.storage import aliases as alias_storage

ROOMS_MAX = 500

Rank = tuple[int, int]  # (-joined members, room_nid)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of the directory."""

    limit: int | None = None
    since: str | None = None
    server: str | None = None
    search_term: str | None = None
    room_types: Sequence[str | None] | None = None
    include_all_networks: bool = False
    third_party_instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A room as the directory shows it, read when the stream stood at `read_at`."""

    rank: Rank
    chunk: dict[str, Any]
    text: str
    read_at: int


class Directory:
    """This worker's entries; one per App."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._entries: dict[int, Entry] = {}

    def list_all(self) -> list[Entry]:
        """All published rooms, in their order."""
        app = self._app
        # Before the reading: what moves while we read is read again next time.
        read_at = app.news.position
        with app.database.read() as txn:
            published = alias_storage.list_published(txn)
            known = self._entries
            stale = [
                nid
                for nid in published
                if nid not in known or app.news.room_position(nid) > known[nid].read_at
            ]
            fresh = _read_entries(app, txn, stale, read_at) if stale else {}
        entries = known | fresh
        self._entries = {nid: entries[nid] for nid in published if nid in entries}
        return sorted(self._entries.values(), key=lambda entry: entry.rank)


def get_visibility(app: App, room_id: str) -> str:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        return "public" if alias_storage.is_published(txn, room.room_nid) else "private"


def set_visibility(app: App, requester: Requester, room_id: str, visibility: str) -> None:
    """Show a room in the directory or hide it: for those who curate its aliases, and the server's
    administrators.
    """
    with app.database.transaction() as txn:
        room = room_reading.get(app, txn, room_id)
        if not requester.is_admin and not aliases.may_curate(app, txn, room, requester.user_id):
            raise errors.Forbidden("you may not change how this room is published")
        if visibility == "public":
            alias_storage.publish(txn, room.room_nid, app.now_ms())
        else:
            alias_storage.unpublish(txn, room.room_nid)


def search(app: App, requester: Requester | None, query: Query) -> dict[str, Any]:
    """A page of the directory, as the response has it."""
    if requester is None and not app.config.allow_public_rooms_without_auth:
        raise errors.MissingToken("an access token is missing")
    if query.server is not None and query.server != app.server_name:
        return remote_queries.public_rooms(app, query.server, _as_body(query))
    return page(app, query)


def search_from(app: App, query: Query) -> dict[str, Any]:
    """The same for another server. S-S API, "Published Room Directory"."""
    if not app.config.allow_public_rooms_over_federation:
        raise errors.Forbidden("this server does not show its directory to other servers")
    return page(app, query)


def _as_body(query: Query) -> dict[str, Any]:
    """What is asked of another server's directory."""
    if query.limit is not None and query.limit < 0:
        raise errors.InvalidParam("limit must not be negative")
    wanted: dict[str, Any] = {}
    if query.search_term:
        wanted["generic_search_term"] = query.search_term
    if query.room_types is not None:
        wanted["room_types"] = list(query.room_types)
    body: dict[str, Any] = {
        "limit": min(query.limit or ROOMS_MAX, ROOMS_MAX),
        "since": query.since,
        "filter": wanted,
        "third_party_instance_id": query.third_party_instance_id,
        "include_all_networks": "true" if query.include_all_networks else None,
    }
    body = {name: value for name, value in body.items() if value}
    if wanted and "include_all_networks" in body:
        body["include_all_networks"] = True
    return body


def page(app: App, query: Query) -> dict[str, Any]:
    """A page of this server's directory, as the response has it."""
    _check(query)
    entries = app.part(Directory, Directory).list_all()
    total = len(entries)
    found = [entry for entry in entries if _matches(entry, query)]
    start, end = _page(found, query)
    response: dict[str, Any] = {
        "chunk": [entry.chunk for entry in found[start:end]],
        "total_room_count_estimate": total,
    }
    if end < len(found) and end > start:
        response["next_batch"] = _token("n", found[end - 1].rank)
    if start > 0:
        response["prev_batch"] = _token("p", found[start].rank if start < len(found) else (1, 0))
    return response


def _check(query: Query) -> None:
    if query.limit is not None and query.limit < 0:
        raise errors.InvalidParam("limit must not be negative")
    if query.include_all_networks and query.third_party_instance_id is not None:
        raise errors.InvalidParam("third_party_instance_id excludes include_all_networks")


def _matches(entry: Entry, query: Query) -> bool:
    if query.third_party_instance_id:
        return False  # Rooms of other networks come with application services.
    if query.room_types is not None and entry.chunk.get("room_type") not in query.room_types:
        return False
    return not query.search_term or query.search_term.casefold() in entry.text


def _page(found: Sequence[Entry], query: Query) -> tuple[int, int]:
    size = min(query.limit or ROOMS_MAX, ROOMS_MAX)
    if query.since is None:
        return 0, min(size, len(found))
    direction, rank = _read_token(query.since)
    ranks = [entry.rank for entry in found]
    if direction == "n":
        start = bisect.bisect_right(ranks, rank)
        return start, min(start + size, len(found))
    end = bisect.bisect_left(ranks, rank)
    return max(0, end - size), end


def _token(direction: str, rank: Rank) -> str:
    return f"{direction}{rank[0]}_{rank[1]}"


def _read_token(token: str) -> tuple[str, Rank]:
    try:
        number, _, room_nid = token[1:].partition("_")
        rank = (int(number), int(room_nid))
    except ValueError:
        rank = None
    if rank is None or token[0] not in "np":
        raise errors.InvalidParam("since is not a token of this directory")
    return token[0], rank


def _read_entries(app: App, txn: Any, room_nids: Sequence[int], read_at: int) -> dict[int, Entry]:
    outlines = room_summaries.read(app, txn, room_nids)
    return {nid: _entry(outline, read_at) for nid, outline in outlines.items()}


def _entry(outline: Outline, read_at: int) -> Entry:
    chunk = room_summaries.in_directory(outline)
    searched = (chunk.get(name) for name in ("name", "topic", "canonical_alias"))
    return Entry(
        rank=(-outline.joined, outline.room.room_nid),
        chunk=chunk,
        text="\n".join(one for one in searched if one).casefold(),
        read_at=read_at,
    )
