"""`soma` in a process of its own, on a free port and an own directory."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
SOMA = [sys.executable, "-c", "import sys; from impl.commands.main import main; sys.exit(main())"]
START_S_MAX = 60
# How long it would wait at a stop for who does not end, and what is so much less that it did not.
PATIENCE_S = 40
STOP_S_MAX = 20
SECRET = "a secret that is shared"


def soma(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*SOMA, *map(str, arguments)],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class SomaServer:
    """`soma serve` with a configuration in a directory."""

    def __init__(self, directory: Path, **changes: Any) -> None:
        self.directory = directory
        self.port = free_port()
        self.config = directory / "homeserver.yaml"
        self.values: dict[str, Any] = {
            "server_name": "soma.test",
            "registration_shared_secret": SECRET,
            # Who asks again until it works is no attacker here.
            "rc_login": {"address": {"per_second": 1000, "burst_count": 1000}},
            "listeners": [
                {
                    "port": self.port,
                    "type": "http",
                    "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client", "federation"]}],
                }
            ],
            "soma": {"data_dir": "data", "workers": 2, "shutdown_timeout": f"{PATIENCE_S}s"},
            **changes,
        }
        self.write_config()
        self.process: subprocess.Popen[bytes] | None = None

    def write_config(self, **changes: Any) -> None:
        self.values.update(changes)
        self.config.write_text(yaml.safe_dump(self.values))

    def start(self, wait: bool = True) -> float:
        """Seconds until a request was answered."""
        started = time.monotonic()
        self.process = subprocess.Popen(
            [*SOMA, "serve", "--config-path", str(self.config)],
            cwd=ROOT,
            stdout=(self.directory / "out").open("ab"),
            stderr=(self.directory / "log").open("ab"),
        )
        while wait and not self.answers():
            assert self.process.poll() is None, self.log
            assert time.monotonic() - started < START_S_MAX, self.log
            time.sleep(0.02)
        return time.monotonic() - started

    def answers(self) -> bool:
        try:
            return "versions" in self.get("/_matrix/client/versions")
        except OSError:
            return False

    def get(self, path: str, timeout: float = 20) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return json.load(response)

    def post(self, path: str, body: object) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def log_in(self, name: str, password: str) -> int:
        return self.post(
            "/_matrix/client/v3/login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": name},
                "password": password,
            },
        )[0]

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def out(self) -> str:
        return (self.directory / "out").read_text()

    def descendants(self) -> dict[int, str]:
        """All processes below ours, with their command lines."""
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if fields[0] != "Z":
                    parents[int(entry.name)] = int(fields[1])
        assert self.process is not None
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        found.discard(self.process.pid)
        return {pid: _command_line(pid) for pid in found}

    def stop(self, number: int = 15) -> float:
        """Ends it, and returns the seconds it took."""
        started = time.monotonic()
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
            self.process.wait(60)
        return time.monotonic() - started


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
