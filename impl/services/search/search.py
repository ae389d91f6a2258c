"""What was said in the rooms that somebody has been in. C-S API, "Server Side Search".

Theory. The index finds candidates in the rooms of who asks, in the order that they want; which of
them they may see is decided as everywhere (visibility.py), for so many as are counted. Nothing else
is told of those that they may not see: not even how many there are. A token names the place in
that order after the last result that was given, in all rooms or within a group."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl import errors
from impl.app import App
from impl.core import event_filter, search_words
from impl.core.event_filter import EventFilter
from impl.core.rejection import Malformed
from impl.core.search_words import Phrase
from impl.requester import Requester
from impl.services.search import candidates, groups, index, results, rooms, tokens
from impl.services.search.results import Shown
from impl.services.search.rooms import Rooms
from impl.services.search.tokens import Token
from impl.services.sync import ignored_users
from impl.storage import search
from impl.storage.search import Wanted

LIMIT_DEFAULT = 10
LIMIT_MAX = 100
TERM_LENGTH_MAX = 2000
NOTHING: dict[str, Any] = {"count": 0, "highlights": [], "results": []}

KEYS = {
    "content.body": search.BODY,
    "content.name": search.NAME,
    "content.topic": search.TOPIC,
}
_TYPES = {
    search.BODY: "m.room.message",
    search.NAME: "m.room.name",
    search.TOPIC: "m.room.topic",
}


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is asked for, as it came."""

    search_term: str
    keys: Sequence[str] | None = None
    filter: dict[str, Any] = field(default_factory=dict)
    order_by: str = "rank"
    group_by: Sequence[str] = ()
    shown: Shown = field(default_factory=Shown)
    next_batch: str | None = None


def room_events(app: App, requester: Requester, asked: Criteria) -> dict[str, Any]:
    """The category of that name, as the response has it."""
    passing = _read_filter(asked.filter)
    phrases = _read_term(asked.search_term)
    token = tokens.read(asked.next_batch) if asked.next_batch else Token()
    ignored = ignored_users.get(app, requester.user_id)
    keys = _keys(asked.keys, passing)
    if not phrases or not keys:
        return NOTHING
    index.catch_up(app)
    with app.database.read() as txn:
        known = rooms.searched_by(app, txn, requester, passing)
        wanted = Wanted(
            phrases=[phrase.terms for phrase in phrases],
            room_nids=_nids_in_group(known, token),
            keys=keys,
            senders=_senders(passing, token),
            not_senders=passing.not_senders,
            ignored=ignored,
            has_url=passing.contains_url,
            is_by_rank=asked.order_by == "rank",
        )
        if not wanted.room_nids:
            return NOTHING
        limit = min(passing.limit or LIMIT_DEFAULT, LIMIT_MAX)
        place = candidates.Cut(token.after, limit, passing)
        found = candidates.find(app, txn, requester, wanted, known, place)
        answer = results.write(app, txn, requester, found, known, asked.shown)
    count = len(found.seen) if token.count is None else token.count
    answer |= {"count": count, "highlights": _highlights(asked.search_term, phrases)}
    if found.has_more:
        after = Token(found.end, count, token.group_key, token.group_id)
        answer["next_batch"] = tokens.write(after)
    if asked.group_by:
        answer["groups"] = {key: groups.write(found, key) for key in asked.group_by}
    return answer


def _read_filter(definition: dict[str, Any]) -> EventFilter:
    try:
        return event_filter.read_part(definition, "filter")
    except Malformed as error:
        raise errors.BadJson(str(error)) from error


def _read_term(term: str) -> list[Phrase]:
    if len(term) > TERM_LENGTH_MAX:
        raise errors.InvalidParam(f"search_term is longer than {TERM_LENGTH_MAX} characters")
    return search_words.read_search(term)


def _keys(names: Sequence[str] | None, wanted: EventFilter) -> list[int]:
    """The keys that are searched: those that are asked for, of events of a type that passes."""
    keys = [KEYS[name] for name in (KEYS if names is None else names)]
    return [
        key
        for key in keys
        if _TYPES[key] not in wanted.not_types
        and (wanted.types is None or _TYPES[key] in wanted.types)
    ]


def _nids_in_group(known: Rooms, token: Token) -> Collection[int]:
    if token.group_key != "room_id":
        return known.depths
    return [nid for nid in known.depths if known.rooms[nid].room_id == token.group_id]


def _senders(wanted: EventFilter, token: Token) -> Collection[str] | None:
    if token.group_key != "sender" or token.group_id is None:
        return wanted.senders
    named = {token.group_id}
    return named if wanted.senders is None else named & wanted.senders


def _highlights(term: str, phrases: Sequence[Phrase]) -> list[str]:
    """The words that a client marks: folded, and as they were written, if that is another word."""
    folded = {piece.written for phrase in phrases for piece in phrase.pieces}
    written = {one for one in term.replace('"', " ").split() if search_words.fold(one) in folded}
    return sorted(folded | written)


def read_groupings(keys: Sequence[str | None]) -> list[str]:
    """The keys by which results are grouped, each once."""
    if None in keys:
        raise errors.BadJson("groupings.group_by: a group has no key")
    return list(dict.fromkeys(key for key in keys if key is not None))
