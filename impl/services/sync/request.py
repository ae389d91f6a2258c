"""What a /sync asks for, read and checked; and what all parts of its answer need."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import event_filter, stream_token
from impl.core.event_filter import Filter
from impl.core.rejection import Malformed
from impl.core.stream_token import SyncToken
from impl.requester import Requester
from impl.services import client_events
from impl.services.client_events import Viewer
from impl.storage import filters

LIMIT_DEFAULT = 10
LIMIT_MAX = 1000
# With a filter that drops events, or somebody ignored, more is read, so that enough is left.
READ_AHEAD = 100
# Of the definitions of all filters that are kept together; a small one counts as this much.
FILTER_BYTES_KEPT_MAX = 8 << 20
FILTER_BYTES_COUNTED_MIN = 500


@dataclass(frozen=True, slots=True)
class Question:
    """The query, as it came."""

    filter: str | None = None
    since: str | None = None
    timeout_ms: int = 0
    is_full_state: bool = False
    use_state_after: bool = False
    # What the poll says of its user; "offline" says nothing.
    set_presence: str = "offline"


@dataclass(frozen=True, slots=True)
class Sync:
    """One request, for the window (since, up_to]. `since` is 0 for an initial sync."""

    app: App
    requester: Requester
    filter: Filter
    since: int
    up_to: int
    is_full_state: bool
    use_state_after: bool
    ignored: frozenset[str] = field(default=frozenset())
    # Where the chain of syncs began that this one goes on with; see lazy_members.py.
    chain: int = 0
    # Up to where the client has its send-to-device messages; those that are told, and up to where
    # they go; see to_device.py.
    heard: int = 0
    messages: Sequence[dict[str, Any]] = ()
    told: int | None = None

    @property
    def next_batch(self) -> str:
        wanted = self.filter.state
        is_chain = wanted.lazy_load_members and not wanted.include_redundant_members
        return str(SyncToken(self.up_to, self.chain if is_chain else None, self.told))

    @property
    def user_id(self) -> str:
        return self.requester.user_id

    @property
    def limit(self) -> int:
        """How many events a timeline may have."""
        most = self.app.config.filter_timeline_limit
        wanted = self.filter.timeline.limit or LIMIT_DEFAULT
        return min(wanted, LIMIT_MAX if most < 0 else max(most, 1))

    @property
    def read_limit(self) -> int:
        """How many are read for it."""
        if self.filter.timeline.passes_all and not self.ignored:
            return self.limit
        return self.limit + READ_AHEAD

    @property
    def form(self) -> str:
        if self.filter.is_federation_format:
            return client_events.FEDERATION
        return client_events.WITHOUT_ROOM_ID

    def viewer(self, memberships: Mapping[int, str]) -> Viewer:
        fields = self.filter.event_fields
        return Viewer(self.app, self.requester, memberships, event_fields=fields)


class _Filters:
    """Filters that this worker has read: stored ones never change, and inline ones come again with
    every poll.
    """

    def __init__(self, app: App) -> None:
        self.kept: dict[tuple[str, str], Filter] = {}
        self.size = 0

    def keep(self, key: tuple[str, str], found: Filter, size: int) -> Filter:
        self.size += max(size, FILTER_BYTES_COUNTED_MIN)
        if self.size > FILTER_BYTES_KEPT_MAX:
            self.kept.clear()
            self.size = size
        self.kept[key] = found
        return found


def read_filter(app: App, user_id: str, text: str | None) -> Filter:
    """The query's `filter`: the id of a stored one, or JSON."""
    if not text:
        return event_filter.NO_FILTER
    kept = app.part(_Filters, _Filters)
    key = ("", text) if text.startswith("{") else (user_id, text)
    found = kept.kept.get(key)
    if found is not None:
        return found
    definition = _definition(app, user_id, text)
    try:
        found = event_filter.read(definition)
    except Malformed as error:
        raise errors.InvalidParam(f"filter: {error}") from error
    return kept.keep(key, found, len(json.dumps(definition)))


def _definition(app: App, user_id: str, text: str) -> object:
    if text.startswith("{"):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise errors.InvalidParam("filter is neither an id nor JSON") from error
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise errors.InvalidParam("filter is neither an id nor JSON")
    with app.database.read() as txn:
        definition = filters.get(txn, user_id, int(text))
    if definition is None:
        raise errors.InvalidParam("you have no filter of this id")
    return definition


def read_since(token: str | None) -> SyncToken | None:
    """`since`; None for an initial sync."""
    if not token:
        return None
    try:
        return stream_token.parse_sync(token)
    except Malformed as error:
        raise errors.InvalidParam("since is not a token of /sync") from error
