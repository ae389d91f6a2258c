"""A real `soma serve` for tests: its own processes, port, PostgreSQL and data directory.

with Served.new() as server:
    answer = server.call("GET", "/_matrix/client/versions")
    server.kill()       # kill -9, the whole tree
    server.start()      # again, on the same data
"""

import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from tests.ports import free_port

ROOT = Path(__file__).parents[1]
START_S_MAX = 60.0
STOP_S_MAX = 30.0
PROGRAM = "import sys; from impl.commands.main import main; sys.exit(main())"
OFTEN = {"per_second": 100_000, "burst_count": 100_000}


class Served:
    """One server in a directory; started and stopped as often as a test likes."""

    def __init__(self, directory: Path, workers: int = 2) -> None:
        self.directory = directory
        self.port = free_port()
        self.workers = workers
        self._process: subprocess.Popen[bytes] | None = None
        # JSON is YAML.
        self._config_path.write_text(json.dumps(self._config()))

    @classmethod
    def new(cls, workers: int = 2) -> Self:
        """In a new directory: its path is short, and open to the user that PostgreSQL runs as."""
        directory = Path(tempfile.mkdtemp(prefix="soma-served-"))
        directory.chmod(0o755)
        return cls(directory, workers)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    @property
    def troubles(self) -> str:
        """The end of the log without the requests that went well."""
        lines = [line for line in self.log.splitlines() if "INFO" not in line or "errcode" in line]
        return "\n".join(lines[-80:])

    def start(self) -> None:
        """Returns when the server answers."""
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "serve", "--config-path", str(self._config_path)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server did not start:\n{self.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """As an administrator does it: SIGTERM to the one process."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop:\n{self.log}") from None
        self._process = None

    def kill(self) -> None:
        """SIGKILL to every process, in one moment: as if the power failed, but for the disk."""
        if self._process is None:
            return
        tree = _tree(self._process.pid)
        for number in (signal.SIGSTOP, signal.SIGKILL):  # Stopped, none can see another die.
            for pid in tree:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        self._see_out(tree)

    def kill_the_supervisor(self) -> None:
        """SIGKILL to the one process that an administrator knows of: the others end with it."""
        assert self._process is not None
        tree = _tree(self._process.pid)
        self._process.kill()
        self._see_out(tree)

    def _see_out(self, tree: list[int]) -> None:
        assert self._process is not None
        self._process.wait()
        deadline = time.monotonic() + STOP_S_MAX
        while left := [pid for pid in tree if _is_alive(pid)]:
            assert time.monotonic() < deadline, f"processes outlive SIGKILL: {left}"
            time.sleep(0.02)
        self._process = None

    def kill_a_worker(self, chance: random.Random) -> None:
        """SIGKILL to one of those that answer requests, whichever; another takes its place."""
        assert self._process is not None
        root = self._process.pid
        workers = [pid for pid, parent in self._pythons() if root not in (pid, parent)]
        assert workers, "no worker runs"
        os.kill(chance.choice(workers), signal.SIGKILL)

    def kill_the_background_process(self) -> None:
        """SIGKILL to the one that tells other servers, among other things; it is started again."""
        assert self._process is not None
        pythons = self._pythons()
        parents = {parent for _, parent in pythons}
        # The other child of the supervisor has the workers.
        found = [
            pid for pid, parent in pythons if parent == self._process.pid and pid not in parents
        ]
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    def _pythons(self) -> list[tuple[int, int]]:
        """Our processes but for PostgreSQL's, each with its parent."""
        assert self._process is not None
        return [
            (pid, found[1])
            for pid in _tree(self._process.pid)
            if b"impl.commands" in _command_line(pid) and (found := _stat(pid))
        ]

    def connect(self, timeout_s: float = 60) -> "Connection":
        return Connection(self.port, timeout_s)

    def call(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> dict[str, Any]:
        """One request that must succeed, on a connection of its own."""
        connection = self.connect()
        try:
            status, answer = connection.request(method, path, body, token)
        finally:
            connection.close()
        assert status == 200, (method, path, status, answer)
        return answer

    def register(self, localpart: str) -> tuple[str, str]:
        """A new user: the id and a token."""
        body = {
            "username": localpart,
            "password": f"secret of {localpart}",
            "auth": {"type": "m.login.dummy"},
        }
        made = self.call("POST", "/_matrix/client/v3/register", body)
        return made["user_id"], made["access_token"]

    @property
    def _config_path(self) -> Path:
        return self.directory / "homeserver.yaml"

    @property
    def _log_path(self) -> Path:
        return self.directory / "log"

    def _config(self) -> dict[str, Any]:
        limits = (
            "rc_message",
            "rc_registration",
            "rc_room_creation",
            "rc_joins_per_room",
            "rc_reports",
            "rc_media_create",
        )
        nested = {
            "rc_login": ("address", "account", "failed_attempts"),
            "rc_joins": ("local", "remote"),
            "rc_invites": ("per_room", "per_user", "per_issuer"),
            "rc_presence": ("per_user",),
        }
        listener = {
            "port": self.port,
            "type": "http",
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client"]}],
        }
        return {
            "server_name": "localhost",
            "public_baseurl": f"{self.url}/",
            "listeners": [listener],
            "enable_registration": True,
            "enable_registration_without_verification": True,
            **dict.fromkeys(limits, OFTEN),
            **{name: dict.fromkeys(keys, OFTEN) for name, keys in nested.items()},
            "soma": {"workers": self.workers, "data_dir": str(self.directory / "data")},
        }

    def _answers(self) -> bool:
        connection = self.connect(timeout_s=5)
        try:
            return connection.request("GET", "/_matrix/client/versions")[0] == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Connection:
    """A connection that is kept, and so stays with one worker: `worker` names it."""

    def __init__(self, port: int, timeout_s: float) -> None:
        self.worker: str | None = None
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)

    def request(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        self._http.request(method, path, data, headers)
        response = self._http.getresponse()
        answer = response.read()
        # Each worker has a prefix of its own.
        self.worker = (response.getheader("X-Request-ID") or "").partition("-")[0]
        return response.status, json.loads(answer)

    def close(self) -> None:
        self._http.close()


def _tree(root: int) -> list[int]:
    """The process and all that descend from it, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _stat(int(entry.name))):
            children.setdefault(found[1], []).append(int(entry.name))
    tree = [root]
    for pid in tree:
        tree.extend(children.get(pid, ()))
    return tree


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> tuple[str, int] | None:
    """State and parent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def _is_alive(pid: int) -> bool:
    found = _stat(pid)
    return found is not None and found[0] != "Z"
