"""What administrators see of sending: who is behind, since when, and why. `soma federation`."""

from dataclasses import dataclass

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.storage import destinations, outgoing, room_servers
from impl.storage.destinations import Destination

LISTED_MAX = 1_000
WAITING_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Behind:
    """A server that lags or does not answer."""

    server_name: str
    # None: it answers, or nobody has tried yet.
    failing_since_ts: int | None
    failure: str | None
    # 0: as soon as its turn comes.
    retry_ts: int
    retry_interval_ms: int
    # Whether there is something that it has not been told.
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """Of all servers; `behind` are the first of those in the order of their names."""

    now_ms: int
    # Events that the slowest shard has not come to yet; no more than WAITING_MAX are counted.
    waiting_count: int
    # Whether anybody has begun to send at all.
    has_begun: bool
    behind_count: int
    failing_count: int
    to_device_count: int
    behind: list[Behind]


@dataclass(frozen=True, slots=True)
class One:
    """Of one server."""

    now_ms: int
    server_name: str
    is_federated_with: bool
    # The rooms that it is in with us, and those of which it does not know the last.
    room_count: int
    missed_room_count: int
    # When the oldest event was sent that it was not told of.
    oldest_missed_ts: int | None
    to_device_count: int
    oldest_to_device_ts: int | None
    # None: it has everything, and answers.
    behind: Behind | None


def overview(app: App) -> Overview:
    with app.database.snapshot() as txn:
        shards = destinations.list_shards(txn)
        behind_count, failing_count = destinations.count(txn)
        handed = min((one[2] for one in shards), default=0)
        return Overview(
            now_ms=app.now_ms(),
            waiting_count=outgoing.count_after(txn, handed, WAITING_MAX),
            has_begun=bool(shards),
            behind_count=behind_count,
            failing_count=failing_count,
            to_device_count=outgoing.count_all_to_device(txn),
            behind=list(map(_behind, destinations.list_all(txn, "", LISTED_MAX))),
        )


def of_server(app: App, server_name: str) -> One:
    """Raises InvalidParam for what is no name of another server."""
    _check(app, server_name)
    with app.database.snapshot() as txn:
        row = destinations.get(txn, server_name)
        served = row.served_position if row is not None else None
        missed_count, oldest_ts = 0, None
        if served is not None:
            missed_count, oldest_ts = outgoing.summarize_missed(txn, server_name, served)
        to_device_count, oldest_to_device_ts = outgoing.summarize_to_device(txn, server_name)
        return One(
            now_ms=app.now_ms(),
            server_name=server_name,
            is_federated_with=app.is_federated_with(server_name),
            room_count=len(room_servers.list_rooms_of(txn, server_name)),
            missed_room_count=missed_count,
            oldest_missed_ts=oldest_ts,
            to_device_count=to_device_count,
            oldest_to_device_ts=oldest_to_device_ts,
            behind=_behind(row) if row is not None else None,
        )


def retry(app: App, server_name: str) -> bool:
    """Have a server tried now, however it failed; False if it is not left alone. Raises
    InvalidParam.
    """
    _check(app, server_name)
    with app.database.at_once() as txn:
        return destinations.retry(txn, server_name)


def retry_all(app: App) -> int:
    """The same of all, some at a time; returns how many that are."""
    with app.database.at_once() as txn:
        return destinations.wake_all(txn)


def _check(app: App, server_name: str) -> None:
    if not identifiers.is_server_name(server_name):
        raise errors.InvalidParam(f"{server_name!r} is not a server name")
    if server_name == app.server_name:
        raise errors.InvalidParam(f"{server_name} is this server")


def _behind(row: Destination) -> Behind:
    return Behind(
        row.server_name,
        row.failing_since_ts,
        row.failure,
        row.retry_ts,
        row.retry_interval_ms,
        is_behind=row.served_position is not None,
    )
