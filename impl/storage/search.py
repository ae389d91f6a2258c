"""The words of what was said, and what is found by them. Tables: search_texts, search_progress."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

BODY, NAME, TOPIC = 1, 2, 3

# Of more matches only the newest so many are ordered by how well they match.
RANKED_MAX = 10_000
# The index looks at each of these for every candidate: of more rooms, what it finds is sorted out.
ROOMS_IN_INDEX_MAX = 50
# Ranks are whole numbers here, so that a place among them can be told exactly.
RANK_ONE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Text:
    """What is stored of an event: the terms with their places, and those that have none."""

    room_nid: int
    event_nid: int
    key: int
    sender: str
    has_url: bool
    sent_ts: int
    places: dict[str, list[int]]
    placeless: Collection[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the order of what is found an event stands. Without ranks all have the same."""

    rank: int
    sent_ts: int
    event_nid: int


@dataclass(frozen=True, slots=True)
class Match:
    room_nid: int
    place: Place


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: texts with all phrases, whose terms follow one another."""

    phrases: Sequence[Sequence[str]]
    room_nids: Collection[int]
    keys: Collection[int]
    senders: Collection[str] | None
    not_senders: Collection[str]
    # Whose messages are not shown; the names and topics that they gave are.
    ignored: Collection[str]
    has_url: bool | None
    is_by_rank: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """A place of the timeline that is still to be indexed."""

    room_nid: int
    position: int
    event_nid: int
    changes_nid: int | None


def is_behind(txn: Any) -> bool:
    """Whether something was said, or fetched of what was said once, that is not indexed."""
    txn.execute(
        """
        SELECT position < (SELECT max(position) FROM timeline)
               OR history_position > (SELECT min(position) FROM timeline)
          FROM search_progress
        """
    )
    return bool(txn.fetchone()[0])


def lock_progress(txn: Any) -> tuple[int, int]:
    """(position, history_position); one writer at a time."""
    txn.execute("SELECT position, history_position FROM search_progress FOR UPDATE")
    row = txn.fetchone()
    return row[0], row[1]


def put_progress(txn: Any, position: int, history_position: int) -> None:
    txn.with_commit(
        """
        UPDATE search_progress
           SET position = %s,
               history_position = %s
        """,
        (position, history_position),
    )


def list_forward(txn: Any, position: int, limit: int) -> list[Unread]:
    txn.execute(
        """
        SELECT room_nid, position, event_nid, changes_nid
          FROM timeline
         WHERE position > %s
         ORDER BY position
         LIMIT %s
        """,
        (position, limit),
    )
    return [Unread(*row) for row in txn.fetchall()]


def list_backward(txn: Any, position: int, limit: int) -> list[Unread]:
    """Of what was fetched to fill history: its positions go down from 0 as it comes."""
    txn.execute(
        """
        SELECT room_nid, position, event_nid, changes_nid
          FROM timeline
         WHERE position < %s
         ORDER BY position DESC
         LIMIT %s
        """,
        (position, limit),
    )
    return [Unread(*row) for row in txn.fetchall()]


def put(txn: Any, texts: Sequence[Text]) -> None:
    """Written with the COMMIT."""
    txn.values_with_commit(
        """
        INSERT INTO search_texts (room_nid, event_nid, key, sender, has_url, sent_ts, words)
             VALUES %s
        ON CONFLICT (room_nid, event_nid) DO NOTHING
        """,
        [
            (
                one.room_nid,
                one.event_nid,
                one.key,
                one.sender,
                one.has_url,
                one.sent_ts,
                _vector(one),
            )
            for one in texts
        ],
        "(%s, %s, %s, %s, %s, %s, %s::tsvector)",
    )


def delete(txn: Any, keys: Sequence[tuple[int, int]]) -> None:
    """(room_nid, event_nid) of what may not be found any more; with the COMMIT, after `put`."""
    if keys:
        txn.with_commit(
            """
            DELETE FROM search_texts s
             USING unnest(%s::bigint[], %s::bigint[]) AS gone (room_nid, event_nid)
             WHERE s.room_nid = gone.room_nid
               AND s.event_nid = gone.event_nid
            """,
            ([key[0] for key in keys], [key[1] for key in keys]),
        )


def find(txn: Any, wanted: Wanted, after: Place | None, limit: int) -> list[Match]:
    """The best or the newest matches, those after a place in that order."""
    words = query = " & ".join(_phrase(phrase) for phrase in wanted.phrases)
    if len(wanted.room_nids) <= ROOMS_IN_INDEX_MAX:
        rooms = " | ".join(_room(room_nid) for room_nid in sorted(wanted.room_nids))
        query = f"({words}) & ({rooms})"
    parameters = {
        "words": words,
        "query": query,
        "room_nids": list(wanted.room_nids),
        "keys": list(wanted.keys),
        "senders": None if wanted.senders is None else list(wanted.senders),
        "not_senders": list(wanted.not_senders),
        "ignored": list(wanted.ignored),
        "body": BODY,
        "has_url": wanted.has_url,
        "one": RANK_ONE,
        "ranked": RANKED_MAX,
        "limit": limit,
        **_bounds(after),
    }
    txn.execute(_BY_RANK if wanted.is_by_rank else _NEWEST, parameters)
    return [Match(room_nid, Place(*place)) for room_nid, *place in txn.fetchall()]


_MATCHING = """
          FROM search_texts
         WHERE words @@ %(query)s::tsquery
           AND room_nid = ANY(%(room_nids)s)
           AND key = ANY(%(keys)s)
           AND (%(senders)s::text[] IS NULL OR sender = ANY(%(senders)s::text[]))
           AND sender <> ALL(%(not_senders)s::text[])
           AND (key <> %(body)s OR sender <> ALL(%(ignored)s::text[]))
           AND (%(has_url)s::boolean IS NULL OR has_url = %(has_url)s::boolean)
"""

_NEWEST = f"""
        SELECT room_nid, 0, sent_ts, event_nid
        {_MATCHING}
           AND (%(after_ts)s::bigint IS NULL
                OR (sent_ts, event_nid) < (%(after_ts)s, %(after_nid)s))
         ORDER BY sent_ts DESC, event_nid DESC
         LIMIT %(limit)s
"""

# A short text that has the words says more than a long one: 1 divides by the length's logarithm.
_BY_RANK = f"""
        WITH newest AS MATERIALIZED (
                SELECT room_nid, sent_ts, event_nid, words
                {_MATCHING}
                 ORDER BY sent_ts DESC, event_nid DESC
                 LIMIT %(ranked)s),
             ranked AS (
                SELECT room_nid,
                       round(ts_rank(words, %(words)s::tsquery, 1) * %(one)s)::bigint AS rank,
                       sent_ts,
                       event_nid
                  FROM newest)
        SELECT room_nid, rank, sent_ts, event_nid
          FROM ranked
         WHERE %(after_ts)s::bigint IS NULL
            OR (rank, sent_ts, event_nid) < (%(after_rank)s, %(after_ts)s, %(after_nid)s)
         ORDER BY rank DESC, sent_ts DESC, event_nid DESC
         LIMIT %(limit)s
"""


def _bounds(after: Place | None) -> dict[str, int | None]:
    if after is None:
        return {"after_rank": None, "after_ts": None, "after_nid": None}
    return {"after_rank": after.rank, "after_ts": after.sent_ts, "after_nid": after.event_nid}


def _phrase(terms: Sequence[str]) -> str:
    return "(" + " <-> ".join(map(_quoted, terms)) + ")"


def _vector(text: Text) -> str:
    written = [_room(text.room_nid), *map(_quoted, text.placeless)]
    for term, places in text.places.items():
        written.append(_quoted(term) + ":" + ",".join(map(str, places)))
    return " ".join(written)


def _room(room_nid: int) -> str:
    # No word begins so.
    return f"'!{room_nid}'"


def _quoted(term: str) -> str:
    doubled = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
