"""Events by number and by id, and this worker's cache of them. Table: events; whether others relate
to one stands in relations.

What is written goes out with the COMMIT (Transaction.with_commit): the transaction that inserts an
event has it in its hands and need not read it back."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl.core import redaction
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS

EVENTS_CACHED_MAX = 50_000

_decode = msgspec.json.Decoder(dict).decode
_encode = msgspec.json.Encoder().encode

EventKey = tuple[int, int]  # (room_nid, event_nid)


class StoredEvent:
    """A row of the table. It does not change but for a redaction, of which the news tells
    (EventCache.forget), as it does of others that relate to it (EventCache.touch).

    `state_before` and `state_after` are roots of state tries; None for an outlier. `forms` is where
    the services keep what they made of the event, such as its JSON for clients.

    `has_children`: others relate to it, or nobody has looked. `children` is where the services keep
    what they know of those; what was read before `children_changes` moved is old."""

    __slots__ = (
        "_event",
        "_pdu",
        "came_ts",
        "children",
        "children_changes",
        "event_id",
        "event_nid",
        "forms",
        "has_children",
        "is_soft_failed",
        "redacted_by_nid",
        "rejected_reason",
        "room_nid",
        "room_version",
        "sender_device_id",
        "state_after",
        "state_before",
        "txn_id",
    )

    def __init__(self, row: Sequence[Any], event: Event | None = None) -> None:
        (
            self.room_nid,
            self.event_nid,
            self.event_id,
            self._pdu,
            self.room_version,
            self.state_before,
            self.state_after,
            self.rejected_reason,
            self.is_soft_failed,
            self.redacted_by_nid,
            self.sender_device_id,
            self.txn_id,
            self.came_ts,
            self.has_children,
        ) = row
        self._event = event if event is None else _without_redacted(event, self.redacted_by_nid)
        self.forms: dict[str, Any] = {}
        self.children: Any = None
        self.children_changes = 0

    def with_event(self, event: Event) -> "StoredEvent":
        """The same row with another event in it, for who may not see this one."""
        return StoredEvent(
            (
                self.room_nid,
                self.event_nid,
                self.event_id,
                "",
                self.room_version,
                self.state_before,
                self.state_after,
                self.rejected_reason,
                self.is_soft_failed,
                self.redacted_by_nid,
                self.sender_device_id,
                self.txn_id,
                self.came_ts,
                self.has_children,
            ),
            event,
        )

    @property
    def event(self) -> Event:
        """The event, without what was redacted: so it counts in the rules too, whether its original
        is kept or not.
        """
        if self._event is None:
            version = ROOM_VERSIONS[self.room_version]
            event = Event.from_pdu(_decode(self._pdu), version, self.event_id)
            self._event = _without_redacted(event, self.redacted_by_nid)
        return self._event

    def json(self) -> bytes:
        """The event as JSON, without what was redacted."""
        if self._pdu and self.redacted_by_nid is None:
            return self._pdu.encode()
        return _encode(self.event.pdu)


def _without_redacted(event: Event, redacted_by_nid: int | None) -> Event:
    if redacted_by_nid is None:
        return event
    pdu = redaction.redact(event.pdu, event.room_version)
    return Event(pdu, event.room_version, event.event_id)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What `insert` needs; `event_nid` was reserved before, so that the rows of one batch can name
    each other.
    """

    room_nid: int
    event_nid: int
    event: Event
    auth_event_nids: list[int]
    state_before: int | None
    state_after: int | None
    rejected_reason: str | None = None
    is_soft_failed: bool = False
    redacted_by_nid: int | None = None
    sender_device_id: str | None = None
    txn_id: str | None = None
    # Of a message that was dated ahead.
    came_ts: int | None = None


_SELECT = """
    SELECT e.room_nid,
           e.event_nid,
           e.event_id,
           e.pdu,
           r.room_version,
           e.state_before,
           e.state_after,
           e.rejected_reason,
           e.is_soft_failed,
           e.redacted_by_nid,
           e.sender_device_id,
           e.txn_id,
           e.came_ts,
           EXISTS (SELECT 1
                     FROM relations c
                    WHERE c.room_nid = e.room_nid
                      AND c.parent_event_id = e.event_id)
"""


class EventCache:
    """The events that this worker read last, by number."""

    def __init__(self, size: int = EVENTS_CACHED_MAX) -> None:
        self._size = size
        self._events: OrderedDict[int, StoredEvent] = OrderedDict()
        # Counts what was dropped: what was read before a change must not be kept after it.
        self._drops = 0

    def get_many(self, txn: Any, keys: Iterable[EventKey]) -> dict[int, StoredEvent]:
        """event_nid -> event, of any rooms; one statement for what is not here."""
        found: dict[int, StoredEvent] = {}
        missing: list[EventKey] = []
        events = self._events
        for key in keys:
            event = events.get(key[1])
            if event is None:
                missing.append(key)
            else:
                events.move_to_end(key[1])
                found[key[1]] = event
        if not missing:
            return found
        drops = self._drops
        txn.execute(
            _SELECT
            + """
              FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (room_nid, event_nid)
              JOIN events e USING (room_nid, event_nid)
              JOIN rooms r USING (room_nid)
            """,
            ([key[0] for key in missing], [key[1] for key in missing]),
        )
        for row in txn.fetchall():
            event = found[row[1]] = StoredEvent(row)
            if drops == self._drops:
                self.keep(event)
        return found

    def get(self, txn: Any, room_nid: int, event_nid: int) -> StoredEvent | None:
        return self.get_many(txn, [(room_nid, event_nid)]).get(event_nid)

    def keep(self, event: StoredEvent) -> None:
        events = self._events
        events[event.event_nid] = event
        if len(events) > self._size:
            events.popitem(last=False)

    def forget(self, event_nid: int) -> None:
        """It was redacted."""
        self._drops += 1
        self._events.pop(event_nid, None)

    def touch(self, event_nid: int) -> None:
        """It has a child more or less."""
        self._drops += 1
        event = self._events.get(event_nid)
        if event is not None:
            event.has_children = True
            event.children = None
            event.children_changes += 1

    def clear(self) -> None:
        self._drops += 1
        self._events.clear()


def get_nid(txn: Any, room_nid: int, event_id: str) -> int | None:
    txn.execute(
        """
        SELECT event_nid
          FROM events
         WHERE event_id = %s
           AND room_nid = %s
        """,
        (event_id, room_nid),
    )
    row = txn.fetchone()
    return row[0] if row else None


def get_nids(txn: Any, room_nid: int, event_ids: Collection[str]) -> dict[str, int]:
    """event_id -> event_nid, of those that we have."""
    txn.execute(
        """
        SELECT event_id, event_nid
          FROM events
         WHERE event_id = ANY(%s)
           AND room_nid = %s
        """,
        (list(event_ids), room_nid),
    )
    return dict(txn.fetchall())


def list_of_id(txn: Any, event_id: str, limit: int) -> list[EventKey]:
    """The events of an id, which another room may have as well."""
    txn.execute(
        """
        SELECT room_nid, event_nid
          FROM events
         WHERE event_id = %s
         ORDER BY room_nid
         LIMIT %s
        """,
        (event_id, limit),
    )
    return txn.fetchall()


def get_nids_of_rooms(txn: Any, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """(room_nid, event_id) -> event_nid, of those that we have."""
    txn.execute(
        """
        SELECT e.room_nid, e.event_id, e.event_nid
          FROM unnest(%s::bigint[], %s::text[]) AS wanted (room_nid, event_id)
          JOIN events e USING (event_id, room_nid)
        """,
        ([key[0] for key in keys], [key[1] for key in keys]),
    )
    return {(room_nid, event_id): event_nid for room_nid, event_id, event_nid in txn.fetchall()}


def get_by_id(txn: Any, room_nid: int, event_id: str) -> StoredEvent | None:
    txn.execute(
        _SELECT
        + """
          FROM events e
          JOIN rooms r USING (room_nid)
         WHERE e.event_id = %s
           AND e.room_nid = %s
        """,
        (event_id, room_nid),
    )
    row = txn.fetchone()
    return StoredEvent(row) if row else None


def insert(txn: Any, new_events: Sequence[NewEvent], now_ms: int) -> None:
    txn.values_with_commit(
        """
        INSERT INTO events (room_nid, event_nid, event_id, pdu, auth_event_nids, state_before,
                            state_after, rejected_reason, is_soft_failed, redacted_by_nid,
                            redacted_ts, sender_device_id, txn_id, origin_server_ts,
                            came_ts)
             VALUES %s
        """,
        [
            (
                new.room_nid,
                new.event_nid,
                new.event.event_id,
                _encode(new.event.pdu).decode(),
                new.auth_event_nids,
                new.state_before,
                new.state_after,
                new.rejected_reason,
                new.is_soft_failed,
                new.redacted_by_nid,
                now_ms if new.redacted_by_nid is not None else None,
                new.sender_device_id,
                new.txn_id,
                new.event.origin_server_ts,
                new.came_ts,
            )
            for new in new_events
        ],
        "(%s, %s, %s, %s, %s::bigint[], %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
    )


def put_places(txn: Any, placed: Sequence[NewEvent], now_ms: int) -> None:
    """Give outliers their place in the graph."""
    txn.values_with_commit(
        """
        UPDATE events e
           SET state_before = p.state_before,
               state_after = p.state_after,
               rejected_reason = p.rejected_reason,
               is_soft_failed = p.is_soft_failed,
               redacted_by_nid = p.redacted_by_nid,
               redacted_ts = CASE WHEN e.redacted_by_nid IS NULL THEN p.redacted_ts
                                  ELSE e.redacted_ts END
          FROM (VALUES %s) AS p (room_nid, event_nid, state_before, state_after, rejected_reason,
                                 is_soft_failed, redacted_by_nid, redacted_ts)
         WHERE e.room_nid = p.room_nid
           AND e.event_nid = p.event_nid
        """,
        [
            (
                one.room_nid,
                one.event_nid,
                one.state_before,
                one.state_after,
                one.rejected_reason,
                one.is_soft_failed,
                one.redacted_by_nid,
                now_ms if one.redacted_by_nid is not None else None,
            )
            for one in placed
        ],
        "(%s::bigint, %s::bigint, %s::bigint, %s::bigint, %s, %s, %s::bigint, %s::bigint)",
    )


def put_content(txn: Any, came_alone: Sequence[NewEvent]) -> None:
    """Write anew, with what they cite, events of which that was not here (out_of_band.py)."""
    txn.values_with_commit(
        """
        UPDATE events e
           SET pdu = n.pdu,
               auth_event_nids = n.auth_event_nids
          FROM (VALUES %s) AS n (room_nid, event_nid, pdu, auth_event_nids)
         WHERE e.room_nid = n.room_nid
           AND e.event_nid = n.event_nid
        """,
        [
            (one.room_nid, one.event_nid, _encode(one.event.pdu).decode(), one.auth_event_nids)
            for one in came_alone
        ],
        "(%s::bigint, %s::bigint, %s, %s::bigint[])",
    )
