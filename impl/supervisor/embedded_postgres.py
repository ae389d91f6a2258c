"""The embedded PostgreSQL: find, initialise, start, recover, stop; as root and as anybody else.

What makes it solid is a lock that the server and all its children inherit: `lock` in the state
directory, flock. While it is held some process of this cluster lives; while it is free none does,
and then a postmaster.pid or a socket lock that was left behind may be removed, whatever pid it
names. No pid is ever trusted: a pid is reused, and a zombie has one.

The server dies with us: the kernel sends it SIGINT, its fast shutdown, when our process is gone.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from impl.supervisor import postgres_binaries
from impl.supervisor.launching import Owner, can_execute, command
from impl.supervisor.postgres_binaries import PostgresError

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "pglz",
    "jit": "off",
    # Containers have a small /dev/shm, and our queries are short.
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",
}
# The path of a Unix socket has room for 107 bytes, and the server adds its name.
SOCKET_DIRECTORY_MAX = 85
LOG_BYTES_MAX = 16 << 20
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


class EmbeddedPostgres:
    """A private server under `directory`, with one database for us."""

    def __init__(
        self, directory: Path, settings: Mapping[str, str] | None = None, database: str = "soma"
    ) -> None:
        self.directory = directory.absolute()
        self.database = database
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = {**SETTINGS, **(settings or {})}
        self._data = self.directory / "data"
        self._sockets = self.directory / "run"
        self._owner = Owner()
        self._is_open = True
        self._binaries: postgres_binaries.Binaries | None = None

    @property
    def dsn(self) -> str:
        host = str(self._sockets).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' user=postgres dbname={self.database}"

    @property
    def is_ours(self) -> bool:
        """Whether this object started the server, or found one that runs."""
        return self.process is not None

    def start(self, timeout_s: float = 600.0) -> None:
        """Have a server that answers: one that runs already, or a new one."""
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._owner = _choose_owner(self._data)
        wanted = _major_of(self._data)
        binaries = postgres_binaries.find(wanted)
        self._binaries = postgres_binaries.reachable(binaries, self._owner, self.directory)
        self._is_open = _can_enter(self.directory, self._owner)
        if len(os.fsencode(self._sockets)) > SOCKET_DIRECTORY_MAX or not self._is_open:
            name = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
            self._sockets = Path(tempfile.gettempdir()) / f"soma-{name}"
        deadline = time.monotonic() + timeout_s
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if self._take(lock, deadline):
                self._start_holding(lock, deadline)
        finally:
            os.close(lock)  # The server has inherited it.

    def has_ended(self) -> bool:
        """Whether the server, ours or the one that was found, is gone."""
        if self.process is not None:
            return self.process.poll() is not None
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(lock)
        return True

    def stop(self, timeout_s: float = 60.0) -> None:
        """A fast shutdown: sessions end, what is committed is written. Only of a server of ours."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                # It recovers at the next start; nothing that was committed is lost.
                process.send_signal(signal.SIGQUIT)
                process.wait(timeout_s)
        if self._sockets.parent != self.directory:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def _take(self, lock: int, deadline: float) -> bool:
        """True: the lock is ours, start the server. False: one runs, and answers."""
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if self._answers():
                    return False
            if time.monotonic() > deadline:
                raise PostgresError(f"{self.directory}/lock is held, and no server answers")
            time.sleep(0.05)

    def _start_holding(self, lock: int, deadline: float) -> None:
        self._make_directory(self._sockets)
        self._make_directory(self._data)
        initialised = self.directory / "initdb.ok"
        if not initialised.exists():
            self._initialise(lock)
            initialised.touch()
        # We hold the lock: nobody runs, whatever these say.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        for left in self._sockets.iterdir():
            left.unlink()
        self._spawn(lock)
        try:
            self._wait_until_ready(deadline)
            self._ensure_database()
        except BaseException:
            self.stop()
            raise

    def _make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
        if path.is_symlink() or status.st_uid not in (os.geteuid(), self._owner.uid):
            raise PostgresError(f"{path} is not ours: it belongs to uid {status.st_uid}")
        if self._owner.uid >= 0:
            os.chown(path, self._owner.uid, self._owner.gid)

    def _initialise(self, lock: int) -> None:
        for left in self._data.iterdir():  # Half made, by an initdb that was killed.
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()
        with _Reachable(self._data, self._is_open) as data:
            result = subprocess.run(
                command(
                    self._owner,
                    [
                        *(self._binary("initdb"), "-D", data.path, "-U", "postgres", "-A", "trust"),
                        *("--encoding=UTF8", "--locale=C", "--data-checksums"),
                        "--no-instructions",
                    ],
                    death_signal=signal.SIGKILL,
                ),
                capture_output=True,
                text=True,
                errors="replace",
                env=_ENVIRONMENT,
                # Should we be killed, nobody starts anew before initdb has gone too.
                pass_fds=(lock, *data.descriptors),
                check=False,
            )
        if result.returncode:
            raise PostgresError(_explain("initdb", result.stderr))

    def _spawn(self, lock: int) -> None:
        log_path = self.directory / "postgres.log"
        if log_path.exists() and log_path.stat().st_size > LOG_BYTES_MAX:
            log_path.replace(log_path.with_suffix(".log.1"))
        settings = {**self._settings, "unix_socket_directories": str(self._sockets)}
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        with _Reachable(self._data, self._is_open) as data, open(log_path, "ab") as log:
            arguments = [self._binary("postgres"), "-D", data.path, *options]
            self.process = subprocess.Popen(
                command(self._owner, arguments, death_signal=signal.SIGINT),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**_ENVIRONMENT, "HOME": str(self._data)},
                pass_fds=(lock, *data.descriptors),
            )

    def _wait_until_ready(self, deadline: float) -> None:
        # The last line of postmaster.pid tells how far the server is; a stale file is gone.
        status = self._data / "postmaster.pid"
        while True:
            try:
                lines = status.read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            assert self.process is not None
            if self.process.poll() is not None:
                raise PostgresError(_explain("postgres", self._tail_of_log()))
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"PostgreSQL is not ready yet: see {self.directory}/postgres.log"
                )
            time.sleep(0.01)

    def _ensure_database(self) -> None:
        self._psql(
            "postgres",
            """
            SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L', :'database', 'UTF8')
                   || format(' LC_COLLATE %L LC_CTYPE %L', 'C', 'C')
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
            """,
        )

    def _answers(self) -> bool:
        try:
            return self._psql(self.database, "SELECT 1") == "1"
        except (PostgresError, OSError):
            return False

    def _psql(self, database: str, sql: str) -> str:
        arguments = ["-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", str(self._sockets)]
        arguments += ["-v", f"database={self.database}"]
        result = subprocess.run(
            [self._binary("psql"), *arguments, "-U", "postgres", "-d", database],
            input=sql,
            capture_output=True,
            text=True,
            env=_ENVIRONMENT,
            check=False,
        )
        if result.returncode:
            raise PostgresError(result.stderr.strip())
        return result.stdout.strip()

    def _binary(self, name: str) -> str:
        assert self._binaries is not None
        return self._binaries.program(name)

    def _tail_of_log(self) -> str:
        text = (self.directory / "postgres.log").read_text(errors="replace")
        return text[-2000:]


class _Reachable:
    """A path for a directory that the server's user owns but cannot come to, in root's home say.

    The directory is opened as who we are, and the child finds it again through the descriptor that
    it inherits: /proc/self/fd/N is not a walk through the parents.
    """

    def __init__(self, directory: Path, is_open_to_all: bool) -> None:
        self.path = str(directory)
        self.descriptors: tuple[int, ...] = ()
        self._directory = directory
        self._is_open_to_all = is_open_to_all

    def __enter__(self) -> "_Reachable":
        if not self._is_open_to_all:
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            self.descriptors = (descriptor,)
            self.path = f"/proc/self/fd/{descriptor}"
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)


def _choose_owner(data: Path) -> Owner:
    """PostgreSQL refuses to run as root: then its data is another user's."""
    if os.geteuid() != 0:
        return Owner()
    if data.exists() and (status := data.stat()).st_uid != 0:
        return Owner(status.st_uid, status.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid)
    raise PostgresError("there is no user `postgres` or `nobody` that PostgreSQL could run as")


def _can_enter(directory: Path, owner: Owner) -> bool:
    """Whether the server's user can come to the state directory by its path."""
    return owner.uid < 0 or can_execute(str(directory), owner)


def _major_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except (OSError, ValueError):
        return None


def _explain(program: str, text: str) -> str:
    if "could not look up effective user ID" in text:
        return (
            f"{program} needs an entry in /etc/passwd for uid {os.geteuid()}: make one,"
            " or configure `database`"
        )
    if "os.setgroups" in text or "os.setuid" in text:
        return (
            f"{program} cannot run as root, and root may not become another user here: run soma as"
            " another user, or configure `database`"
        )
    return f"{program} failed: {text[-2000:].strip()}"
