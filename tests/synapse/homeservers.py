"""A homeserver in processes of its own, of either kind, as its users have it: a configuration, a
port for clients and one with TLS for other servers.

Soma is `localhost` with a port, and a Synapse an address of loopback with a port: so that nothing
of the machine is changed to have names looked up, and an access list can tell them apart, which
looks at no ports. Before the port for other servers stands a relay (link.py): to cut it is to take
the server off the network of servers."""

import abc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from tests.ports import free_port
from tests.served import Served
from tests.synapse.certificates import Certificates
from tests.synapse.link import Link
from tests.synapse.people import Person, register

SECRET = "a secret that is shared"
OFTEN = {"per_second": 100_000, "burst_count": 100_000}
LIMITS: dict[str, Any] = {
    **dict.fromkeys(
        ("rc_message", "rc_registration", "rc_room_creation", "rc_joins_per_room", "rc_reports"),
        OFTEN,
    ),
    "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), OFTEN),
    "rc_joins": dict.fromkeys(("local", "remote"), OFTEN),
    "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), OFTEN),
    "rc_presence": {"per_user": OFTEN},
    # Who is away for a moment in a test is soon back.
    "federation": {
        "destination_min_retry_interval": 500,
        "destination_max_retry_interval": 2000,
        "destination_retry_multiplier": 2,
        "max_long_retry_delay": 500,
        "max_long_retries": 1,
        "max_short_retry_delay": 500,
        "max_short_retries": 1,
    },
}
START_S_MAX = 120.0
STOP_S_MAX = 30.0


class Homeserver(abc.ABC):
    """`name` is what other servers call it, `url` where its clients find it."""

    name: str
    url: str
    link: Link
    _log_start = 0

    def register(self, localpart: str, is_admin: bool = False) -> Person:
        return register(self.url, SECRET, localpart, is_admin)

    @abc.abstractmethod
    def start(self) -> None: ...

    @abc.abstractmethod
    def stop(self) -> None: ...

    @abc.abstractmethod
    def kill(self) -> None:
        """SIGKILL."""

    @property
    @abc.abstractmethod
    def is_running(self) -> bool: ...

    @property
    @abc.abstractmethod
    def log(self) -> str: ...

    def note_log(self) -> None:
        """What `news` begins with."""
        self._log_start = len(self.log)

    @property
    def news(self) -> str:
        """What was logged since then."""
        return self.log[self._log_start :]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.link.close()


def federation_settings(certificates: Certificates, server_name: str) -> dict[str, Any]:
    """What both kinds of server need to find each other here."""
    certificate, key = certificates.issue(server_name.rpartition(":")[0] or server_name)
    return {
        "server_name": server_name,
        "tls_certificate_path": str(certificate),
        "tls_private_key_path": str(key),
        "federation_custom_ca_list": [str(certificates.authority_path)],
        # Others are on loopback, which nobody should ask otherwise.
        "ip_range_blacklist": [],
        "ip_range_whitelist": ["127.0.0.0/8", "::1/128"],
        "trusted_key_servers": [],
        "registration_shared_secret": SECRET,
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "allow_public_rooms_over_federation": True,
        **LIMITS,
    }


def listener(port: int, names: list[str], *, tls: bool) -> dict[str, Any]:
    return {
        "port": port,
        "type": "http",
        "tls": tls,
        "bind_addresses": ["127.0.0.1"],
        "resources": [{"names": names}],
    }


class SomaServer(Served, Homeserver):
    """`soma serve`, with two workers."""

    def __init__(
        self, directory: Path, workers: int = 2, certificates: Any = None, **changes: Any
    ) -> None:
        self._certificates: Certificates = certificates
        self._changes = changes
        self.link = Link()
        self.name = changes.get("server_name", f"localhost:{self.link.port}")
        super().__init__(directory, workers)

    @classmethod
    def new(cls, certificates: Certificates, **changes: Any) -> Self:  # type: ignore[override]
        directory = Path(tempfile.mkdtemp(prefix="soma-served-"))
        directory.chmod(0o755)
        return cls(directory, 2, certificates, **changes)

    def register(self, localpart: str, is_admin: bool = False) -> Person:  # type: ignore[override]
        return Homeserver.register(self, localpart, is_admin)

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        self.link.close()

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        return {
            **config,
            **federation_settings(self._certificates, self.name),
            "listeners": [
                listener(self.port, ["client"], tls=False),
                listener(self.link.inner_port, ["federation"], tls=True),
            ],
            **self._changes,
            "soma": {**config["soma"], **self._changes.get("soma", {})},
        }


class SynapseServer(Homeserver):
    """One process of Synapse, with SQLite."""

    _program: Sequence[str] = ("-m", "synapse.app.homeserver")

    def __init__(
        self, certificates: Certificates, directory: Path, host: str = "127.0.0.1", **changes: Any
    ) -> None:
        self.directory = directory
        self.link = Link(host)
        self._port = free_port()
        self.name = changes.get("server_name", f"{host}:{self.link.port}")
        self.url = f"http://127.0.0.1:{self._port}"
        config = {
            **federation_settings(certificates, self.name),
            "public_baseurl": f"{self.url}/",
            "listeners": [
                listener(self._port, ["client"], tls=False),
                listener(self.link.inner_port, ["federation"], tls=True),
            ],
            "database": {"name": "sqlite3", "args": {"database": str(directory / "synapse.db")}},
            "signing_key_path": str(directory / "signing.key"),
            "media_store_path": str(directory / "media"),
            "pid_file": str(directory / "pid"),
            "log_config": str(directory / "log.yaml"),
            "report_stats": False,
            "room_list_publication_rules": [{"action": "allow"}],
            "macaroon_secret_key": SECRET,
            "form_secret": SECRET,
            "bcrypt_rounds": 4,
            "caches": {"global_factor": 1.0},
            **changes,
        }
        (directory / "homeserver.yaml").write_text(yaml.safe_dump(config))
        (directory / "log.yaml").write_text(json.dumps(_log_config(directory / "log")))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not (self.directory / "signing.key").exists():
            self._run("--generate-keys").wait(START_S_MAX)
        self._process = self._run()
        deadline = time.monotonic() + START_S_MAX
        while not Person(self.url, "", "").answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.2)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def log(self) -> str:
        return "".join(
            (self.directory / name).read_text(errors="replace")
            for name in ("out", "log")
            if (self.directory / name).exists()
        )

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        python = os.environ.get("SOMA_TEST_SYNAPSE") or sys.executable
        config = str(self.directory / "homeserver.yaml")
        with (self.directory / "out").open("ab") as out:
            return subprocess.Popen(
                [python, *self._program, "-c", config, *arguments],
                cwd=self.directory,
                stdout=out,
                stderr=out,
            )


def _log_config(path: Path) -> dict[str, Any]:
    return {
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(name)s %(levelname)s %(message)s"}},
        "handlers": {
            "file": {"class": "logging.FileHandler", "formatter": "line", "filename": str(path)}
        },
        "root": {"level": "INFO", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }
