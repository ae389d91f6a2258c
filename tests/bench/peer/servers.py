"""The two servers that are measured: each with a PostgreSQL of the same build, and its processor
time."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg2

from impl.supervisor.embedded_postgres import EmbeddedPostgres
from tests.bench.peer import processes
from tests.bench.peer.processes import Spent
from tests.synapse.certificates import Certificates
from tests.synapse.homeservers import SomaServer, SynapseServer
from tests.synapse.people import Person

# Nobody is slowed down.
LIMITS = {
    "rc_federation": {
        "window_size": 1_000,
        "sleep_limit": 1_000_000,
        "sleep_delay": 0,
        "reject_limit": 1_000_000,
        "concurrent": 1_000,
    }
}
# It is at rest when it uses less than this part of a processor.
REST_SHARE = 0.06
REST_S = 0.5
REST_S_MAX = 600.0
SYNAPSE_HOST = "127.0.0.1"


class Measured(Protocol):
    """A server with its processes."""

    name: str
    kind: str

    def register(self, localpart: str, is_admin: bool = False) -> Person: ...

    def roots(self) -> list[int]:
        """Processes whose trees are the server."""

    def has_more_to_take(self) -> bool:
        """Whether events that came by PUT /send, which it has answered, are not in their rooms."""


class Soma(SomaServer):
    """`soma serve` with two workers, on its embedded PostgreSQL."""

    kind = "Soma"

    def roots(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid]

    def has_more_to_take(self) -> bool:
        return False  # It answers when they are.

    @property
    def dsn(self) -> str:
        return f"host='{self.directory}/data/postgres/run' user=postgres dbname=soma"

    def sender(self) -> int:
        """The process in which other servers are told: the supervisor's child that has none."""
        (root,) = self.roots()
        found = [
            pid
            for pid in processes.children_of(root)
            if "impl.commands" in processes.command_line(pid) and not processes.children_of(pid)
        ]
        assert len(found) == 1, found
        return found[0]

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), **LIMITS}


class Synapse(SynapseServer):
    """One process, as one that is not split into workers runs."""

    kind = "Synapse"

    def __init__(self, certificates: Certificates, directory: Path) -> None:
        settings = {"shared_buffers": "512MB"}
        self._postgres = EmbeddedPostgres(directory / "pg", settings, database="synapse")
        self._postgres.start()
        self._connection: Any = None
        arguments = {
            "host": str(directory / "pg" / "run"),
            "user": "postgres",
            "dbname": "synapse",
            "cp_min": 5,
            "cp_max": 10,
        }
        database = {"name": "psycopg2", "args": arguments}
        super().__init__(certificates, directory, SYNAPSE_HOST, database=database, **LIMITS)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._postgres.stop()

    def roots(self) -> list[int]:
        assert self._process is not None and self._postgres.process is not None
        return [self._process.pid, self._postgres.process.pid]

    def start(self) -> None:
        """Returns when it has done what it does after its first start."""
        super().start()
        deadline = time.monotonic() + REST_S_MAX
        while self._finds("SELECT 1 FROM background_updates LIMIT 1"):
            assert time.monotonic() < deadline, "Synapse goes on with its background updates"
            time.sleep(1.0)

    def has_more_to_take(self) -> bool:
        # Should more than a hundred wait in a room, it drops them and asks for them later (1.163).
        return self._finds("SELECT 1 FROM federation_inbound_events_staging LIMIT 1")

    def _finds(self, statement: str) -> bool:
        if self._connection is None:
            self._connection = psycopg2.connect(self._postgres.dsn)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone() is not None


@contextmanager
def soma(certificates: Certificates) -> Iterator[Soma]:
    with Soma.new(certificates) as server:
        yield server


@contextmanager
def synapse(certificates: Certificates) -> Iterator[Synapse]:
    directory = Path(tempfile.mkdtemp(prefix="synapse-"))
    directory.chmod(0o755)
    try:
        server = Synapse(certificates, directory)
        with closing(server), server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def spent(server: Measured) -> Spent:
    return processes.spent(server.roots())


def rest(server: Measured, seconds: float = REST_S) -> Spent:
    """Wait until the server does nothing for so long; what it has spent then."""
    deadline = time.monotonic() + REST_S_MAX
    before = spent(server)
    while True:
        time.sleep(seconds)
        now = spent(server)
        if (now - before).total < REST_SHARE * seconds:
            return now
        assert time.monotonic() < deadline, f"{server.kind} does not come to rest"
        before = now
