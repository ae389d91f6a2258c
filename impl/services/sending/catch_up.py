"""What a server has missed, page by page, without more of it in memory than one page.

A server that missed little gets all of it, so that nobody there has to go back for what was said
while it was started again. One that missed more is told the newest of each room that it is in, room
by room: it finds out by itself what lies before that and asks for it, which it must be able to do
anyway (S-S API, "Backfilling and retrieving missing events"). Of a room that it
was put out of meanwhile it is told that. To-device messages have waited for it each; what became of
devices it is told where the last change of each stands, and where a user's sequence has holes, it
asks for all devices of that user.

Nothing short-lived is told late."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.services import servers_of_room
from impl.services.sending import edus, stream
from impl.services.sending.parcels import EDUS_MAX, PDUS_MAX, Item, Parcel, parcels_of
from impl.storage import outgoing, room_servers, rooms
from impl.storage.outgoing import MissedEvent, StreamRow

# Who missed no more than so many events and changes is told them all, if no more than so many of
# anybody's have to be looked at for that.
REPLAYED_MAX = 1_000
LOOKED_AT_MAX = 5_000
# A room that has more branches at its end does not need each of them told.
EXTREMITIES_MAX = 10


@dataclass(slots=True)
class Span:
    """(served, up_to] of the stream; the rooms up to `room_nid` are told already."""

    served: int
    up_to: int
    room_nid: int = 0


@dataclass(slots=True)
class CatchUp:
    """Of one server. Its parcels are to be asked for one at a time, the next when the last has
    arrived.
    """

    server_name: str
    _spans: deque[Span] = field(default_factory=deque)
    # Up to where the to-device messages have been put into parcels.
    _to_device: int = 0
    _devices: int = -1
    _ready: deque[Parcel] = field(default_factory=deque)
    # What is still to be put into parcels, if it is told everything.
    _replayed: deque[StreamRow] = field(default_factory=deque)
    _is_replaying: bool = False
    _has_rooms: bool = True

    @property
    def span(self) -> Span | None:
        """What it is being told of."""
        return self._spans[0] if self._spans else None

    def add(self, span: Span) -> None:
        """To be told after what there is already."""
        if span.up_to > span.served:
            self._spans.append(span)

    def next(self, app: App, txn_ids: Iterator[str]) -> Parcel | None:
        """None once it has been told everything."""
        while self._spans:
            parcel = self._next(app, self._spans[0], txn_ids)
            if parcel is not None:
                return parcel
            self._spans.popleft()
            self._devices, self._is_replaying, self._has_rooms = -1, False, True
        return None

    def note_progress(self, parcel: Parcel) -> None:
        """It has arrived, and all before it."""
        if not self._spans:
            return
        if parcel.room_nid is not None:
            self._spans[0].room_nid = parcel.room_nid
        if parcel.served is not None:
            self._spans[0].served = parcel.served

    def _next(self, app: App, span: Span, txn_ids: Iterator[str]) -> Parcel | None:
        if self._ready:
            return self._ready.popleft()
        with app.database.read() as txn:
            if self._devices < 0:
                self._devices = span.served
                self._is_replaying = span.room_nid == 0 and self._begin_replay(
                    app, txn, span, txn_ids
                )
            if self._is_replaying:
                self._replay(app, txn, txn_ids)
                return self._ready.popleft() if self._ready else None
            edu_items = self._next_edus(app, txn, span)
            pdus: list[Item] = []
            room_nid = None
            if self._has_rooms:
                pdus, room_nid = self._next_rooms(app, txn, span)
        if not pdus and not edu_items:
            return None
        self._ready.extend(parcels_of([*pdus, *edu_items], txn_ids))
        self._ready[-1].room_nid = room_nid
        return self._ready.popleft()

    def _begin_replay(self, app: App, txn: Any, span: Span, txn_ids: Iterator[str]) -> bool:
        """Whether it is told all that it missed: if that is not much."""
        rows = outgoing.list_durable(
            txn, span.served, span.up_to, app.server_name, LOOKED_AT_MAX + 1
        )
        if len(rows) > LOOKED_AT_MAX:
            return False
        of_rooms = room_servers.list_among(txn, {row.room_nid for row in rows}, self.server_name)
        # To-device messages have waited, from wherever on.
        missed = [
            row
            for row in rows
            if row.kind == outgoing.DEVICE
            or row.room_nid in of_rooms
            or (row.kind == outgoing.EVENT and row.subject == self.server_name)
        ]
        waiting = outgoing.list_to_device(txn, self.server_name, 0, span.up_to, REPLAYED_MAX + 1)
        if max(len(missed), len(waiting)) > REPLAYED_MAX:
            return False
        self._to_device = span.up_to
        self._replayed.extend(missed)
        self._ready.extend(parcels_of(map(edus.to_device, waiting), txn_ids))
        return True

    def _replay(self, app: App, txn: Any, txn_ids: Iterator[str]) -> None:
        """Make parcels, if there are none."""
        while self._replayed and not self._ready:
            rows = [self._replayed.popleft() for _ in range(min(PDUS_MAX, len(self._replayed)))]
            items = stream.items_of(app, txn, rows)
            items = [one for one in items if self.server_name in one.servers]
            self._ready.extend(parcels_of(items, txn_ids))
            if self._ready:
                self._ready[-1].served = rows[-1].position

    def _next_edus(self, app: App, txn: Any, span: Span) -> list[Item]:
        waiting = outgoing.list_to_device(
            txn, self.server_name, self._to_device, span.up_to, EDUS_MAX
        )
        if waiting:
            self._to_device = waiting[-1].position
        items = [edus.to_device(row) for row in waiting]
        if len(items) == EDUS_MAX:
            return items
        changed = outgoing.list_missed_devices(
            txn,
            self.server_name,
            self._devices,
            span.up_to,
            app.server_name,
            EDUS_MAX - len(items),
        )
        if changed:
            self._devices = changed[-1].position
        nobody: frozenset[str] = frozenset()
        made = edus.device_forms(app, txn, changed)
        return items + [Item(row.position, nobody, form) for row, form in made]

    def _next_rooms(self, app: App, txn: Any, span: Span) -> tuple[list[Item], int | None]:
        """What is to be told of some rooms, and up to which room."""
        missed: list[MissedEvent] = []
        is_first = span.room_nid == 0
        if is_first:
            missed += outgoing.list_partings(txn, self.server_name, span.served, span.up_to)
        of_rooms = outgoing.list_missed_rooms(
            txn, self.server_name, span.served, span.up_to, span.room_nid, PDUS_MAX
        )
        chosen = [
            *((one.room_nid, one.event_nid) for one in missed),
            *self._newest(app, txn, of_rooms),
        ]
        if len(of_rooms) < PDUS_MAX:
            self._has_rooms = False
        loaded = app.events.get_many(txn, chosen)
        nobody: frozenset[str] = frozenset()
        made = [
            stream.event_item(span.up_to, nobody, loaded[nid])
            for _, nid in dict.fromkeys(chosen)
            if nid in loaded
        ]
        items = [item for item in made if item is not None]
        return items, of_rooms[-1].room_nid if of_rooms else None

    def _newest(
        self, app: App, txn: Any, missed: Sequence[MissedEvent]
    ) -> Iterator[tuple[int, int]]:
        """The ends of the rooms, as far as the server was in the room there: whoever made them, to
        know them is to know what they stand on. Else the newest event of ours.
        """
        nids = [one.room_nid for one in missed]
        ends = rooms.list_ends(txn, nids)
        known = app.rooms.get_by_nids(txn, nids)
        app.events.get_many(
            txn, [(nid, end) for nid in nids for end in ends.get(nid, ())[:EXTREMITIES_MAX]]
        )
        for one in missed:
            told = ends.get(one.room_nid, ())
            if one.room_nid not in known:
                continue
            if list(told) != [one.event_nid]:
                told = [
                    end
                    for end in told[:EXTREMITIES_MAX]
                    if self._was_there(app, txn, known[one.room_nid], end)
                ]
            yield from ((one.room_nid, end) for end in told or (one.event_nid,))

    def _was_there(self, app: App, txn: Any, room: rooms.Room, event_nid: int) -> bool:
        stored = app.events.get(txn, room.room_nid, event_nid)
        if stored is None or stored.state_after is None:
            return False
        servers: Collection[str] = servers_of_room.at(app, txn, room, stored.state_after)
        return self.server_name in servers
