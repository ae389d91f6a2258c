"""App: what lives as long as the server does. Every service takes it as its first argument.

No module holds state; what must be kept hangs here, so that one process can serve several domains,
an App each, and so that a test has as many servers as it likes."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import gevent
from gevent.event import Event
from gevent.pool import Group

from impl.config import Config
from impl.core import server_acl
from impl.core.signing import SigningKey
from impl.outbound.federation import FederationClient
from impl.outbound.wire import NoWire, Wire
from impl.requester import Requester
from impl.storage.database import Database
from impl.storage.events import EventCache
from impl.storage.media_files import MediaFiles
from impl.storage.notifier import News
from impl.storage.numbers import Numbers
from impl.storage.push_classes import ClassCache
from impl.storage.rooms import RoomCache
from impl.storage.state_keys import StateKeyCache
from impl.storage.state_nodes import NodeCache
from impl.storage.worker_page import WorkerPage

TOKENS_CACHED_MAX = 50_000

T = TypeVar("T")


class App:
    """One homeserver in one process."""

    def __init__(
        self,
        config: Config,
        dsn: str,
        signing_key: SigningKey,
        page: WorkerPage,
        now_ms: Callable[[], int] | None = None,
        wire: Wire | None = None,
        more_signing_keys: Sequence[SigningKey] = (),
    ) -> None:
        self.config = config
        self.server_name: str = config.server_name
        # The first signs; all are published.
        self.signing_key = signing_key
        self.signing_keys = (signing_key, *more_signing_keys)
        self.page = page
        self.database = Database(dsn, past_pooler=config.past_pooler)
        self.news = News(self.database, page)
        self.now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self.federation = self.new_federation_client(wire or NoWire())
        self.media_files = MediaFiles(config.media_store_path, config.server_name)

        # What never changes, or whose changes the news tells of.
        self.rooms = RoomCache()
        self.events = EventCache()
        self.state_keys = StateKeyCache(self.database)
        self.state_nodes = NodeCache()
        self.push_classes = ClassCache(self.database)
        self.event_nids = Numbers("event_nids")
        self.state_node_nids = Numbers("state_node_nids")
        # access_token_hash -> Requester; emptied when the page's count of revocations moves.
        self.tokens: dict[bytes, Requester] = {}
        self.tokens_revocations = -1

        # Work that goes on after an answer; finished before the process ends.
        self.background = Group()
        self._stopping = Event()
        self._parts: dict[type, object] = {}

        self.database.on_allotted = page.advance
        self.news.on_changed = self.events.forget
        self.news.on_children_changed = self.events.touch
        self.news.on_purged = self.rooms.forget
        self.news.on_reset = self._forget_what_may_change

    def start(self) -> None:
        """Connect, and begin to hear what other workers do."""
        self.news.start()

    def is_federated_with(self, server_name: str) -> bool:
        """Whether we talk to that server at all, by `federation_domain_whitelist` and
        `soma.federation.blocked_servers`.
        """
        allowed = self.config.federation_domain_whitelist
        blocked = self.config.soma.federation.blocked_servers
        return (allowed is None or server_name in allowed) and not (
            blocked and server_acl.is_denied(server_name, blocked)
        )

    def new_federation_client(self, wire: Wire) -> FederationClient:
        """One that speaks for this server, and heeds and tells nobody who can be reached."""
        timeout_s = self.config.federation.client_timeout / 1000
        return FederationClient(
            self.server_name, self.signing_key, wire, self.is_federated_with, timeout_s
        )

    def part(self, kind: type[T], make: Callable[["App"], T]) -> T:
        """The one object of its kind that lives in this App, made when first asked for.

        For queues and batches of the services, which the layers below cannot name.
        """
        part = self._parts.get(kind)
        if part is None:
            part = self._parts[kind] = make(self)
        return part  # type: ignore[return-value]

    def _forget_what_may_change(self) -> None:
        self.rooms.clear()
        self.events.clear()

    def spawn(self, function: Callable[..., object], *arguments: object) -> gevent.Greenlet:
        """Run something after the answer; `stop` waits for it."""
        return self.background.spawn(function, *arguments)

    @property
    def is_stopping(self) -> bool:
        return self.news.is_stopping

    def pause(self, seconds: float) -> bool:
        """Sleep, but no longer than the server runs; says whether it still does."""
        return not self._stopping.wait(seconds)

    def begin_shutdown(self) -> None:
        """Long polls are answered now, and new ones at once; who pauses goes on."""
        self._stopping.set()
        self.news.stop()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish what is under way, and let go of the database."""
        self.begin_shutdown()
        self.background.join(timeout=timeout_s)
        for part in self._parts.values():
            stop = getattr(part, "stop", None)
            if stop is not None:
                stop()
        self.federation.wire.close()
        self.news.close()
        self.database.close()
