"""This process's shards of all destinations: which they are, and up to where each is served."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from impl.app import App
from impl.storage import destinations
from impl.storage.database import Transaction
from impl.storage.destinations import Destination
from impl.storage.shard_leases import ShardLeases

# How often it is looked whether a shard is free, or is to be given back.
LEASES_MS = 5_000
# So old may a position be that was written when nothing was for others since.
IDLE_MS = 600_000


@dataclass(frozen=True, slots=True)
class Part:
    """Of the stream, and the shards that are to be told of it."""

    after: int
    up_to: int
    shards: frozenset[int]


@dataclass(frozen=True, slots=True)
class Change:
    gained: frozenset[int]
    lost: frozenset[int]


class Shards:
    def __init__(self, app: App) -> None:
        self._app = app
        self.count = app.config.soma.federation.sender_shards
        self._leases = ShardLeases(app.database, self.count)
        # Shard -> how far the stream was handed out.
        self.positions: dict[int, int] = {}
        # Whether positions are to be written down.
        self.has_moved = False
        self._looked_ts = 0
        self._written_ts = 0
        # What is to be written of those that lag or fail, with the next that is written.
        self._rows: list[Destination] = []

    def of(self, server_name: str) -> int:
        """Whose shard it is in."""
        return destinations.name_hash(server_name) % self.count

    def keep(self) -> Change:
        """Take what is free, and see what is lost. Raises DatabaseUnavailable."""
        now_ms = self._app.now_ms()
        if self.positions and 0 <= now_ms - self._looked_ts < LEASES_MS:
            return Change(frozenset(), frozenset())
        self._looked_ts = now_ms
        held = self._leases.hold()
        gained, lost = held - self.positions.keys(), self.positions.keys() - held
        for shard in lost:
            del self.positions[shard]
        if gained:
            with self._leases.transaction() as txn:
                self.positions |= destinations.get_shards(txn, self.count, gained)
                destinations.delete_other_shards(txn, self.count)
        return Change(frozenset(gained), frozenset(lost))

    def next_part(self, end: int) -> Part | None:
        """The part of the stream that is to be read next; None if all are at its end. Those that
        are behind are brought up to the others.
        """
        behind = min(self.positions.values(), default=end)
        if behind >= end:
            return None
        further = [one for one in self.positions.values() if one > behind]
        shards = frozenset(nid for nid, one in self.positions.items() if one == behind)
        return Part(behind, min(further, default=end), shards)

    def move(self, shards: Iterable[int], up_to: int, *, has_told: bool) -> None:
        """What there is up to a position is handed out."""
        for shard in shards:
            self.positions[shard] = up_to
        self.has_moved |= has_told

    def skip_to(self, end: int) -> None:
        """There is nothing for others up to there."""
        for shard, position in self.positions.items():
            self.positions[shard] = max(position, end)

    def put_row(self, row: Destination) -> None:
        """To be written with what is written next, before any position."""
        self._rows.append(row)

    def write_rows(self) -> None:
        """Raises DatabaseUnavailable."""
        if self._rows:
            with self._writing():
                pass

    def write_down(self, held_back: dict[int, int], served: Collection[str]) -> None:
        """The positions, but for shards that are held back; `served` need no rows any more. Raises
        DatabaseUnavailable.
        """
        now_ms = self._app.now_ms()
        is_old = now_ms - self._written_ts >= IDLE_MS
        if not (self.has_moved or self._rows or served or is_old):
            return
        self.has_moved, self._written_ts = False, now_ms
        with self._writing() as txn:
            positions = {
                shard: min(position, held_back.get(shard, position))
                for shard, position in self.positions.items()
            }
            destinations.put_shards(txn, self.count, positions)
            if served:
                destinations.delete(txn, served)

    def forget(self) -> None:
        """Begin anew, with what is written down."""
        self.positions.clear()
        self._rows.clear()

    def release(self) -> None:
        """Let others have them."""
        self.forget()
        self._leases.release()

    @contextmanager
    def _writing(self) -> Iterator[Transaction]:
        with self._leases.transaction() as txn:
            # Taken only now that it is our turn on the connection: a position is never written
            # before the rows of those that do not keep up with it.
            rows, self._rows = self._rows, []
            destinations.put(txn, _last_of_each(rows))
            yield txn


def _last_of_each(rows: Sequence[Destination]) -> list[Destination]:
    return list({row.server_name: row for row in rows}.values())
