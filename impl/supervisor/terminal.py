"""What `soma serve` says on the terminal: what it did, where the data is, what to do next."""

import sys
from pathlib import Path
from typing import TextIO

from impl.config import Config
from impl.services import software


class Terminal:
    """Lines for the person who started the server. The log goes elsewhere (logs.py)."""

    def __init__(self, stream: TextIO | None = None, config_arguments: str = "") -> None:
        self._stream = stream or sys.stdout
        # What has to follow `soma register` and the like, so that they find this server.
        self._config_arguments = config_arguments

    def begin(self, config: Config) -> None:
        self._say(f"Soma {version()}: the Matrix homeserver of {config.server_name}")
        self._say(f"  data         {config.soma.data_dir}")

    def warn(self, text: str) -> None:
        self._say(f"  warning      {text}")

    def tell_key(self, path: Path, is_new: bool) -> None:
        self._say(f"  signing key  {path}{' (new: keep a copy)' if is_new else ''}")

    def tell_database(self, where: str) -> None:
        self._say(f"  database     PostgreSQL at {where}")

    def tell_postgres(self, directory: Path, seconds: float) -> None:
        self._say(f"  database     embedded PostgreSQL in {directory}, up in {seconds:.1f} s")

    def tell_migrations(self, names: list[str]) -> None:
        applied = f"{len(names)} migrations applied" if names else "up to date"
        self._say(f"  schema       {applied}")

    def tell_ready(self, config: Config, urls: list[str]) -> None:
        self._say(f"  workers      {config.soma.workers}")
        for url in urls:
            self._say(f"  listening    {url}")
        extra = self._config_arguments
        self._say(
            "\nNext:\n"
            f"  make a user         soma register{extra} -u NAME --admin\n"
            f"  point a client to   {config.public_baseurl}"
        )
        if not extra:
            self._say(
                "  a name of its own   soma generate-config --server-name example.org -o FILE"
            )
        self._say("  stop                Ctrl-C\n")

    def tell_failure(self) -> None:
        self._say("Soma could not start: the log above says why.")

    def tell_stopping(self) -> None:
        self._say("Stopping: requests are finished first. Again to hurry.")

    def tell_stopped(self) -> None:
        self._say("Stopped.")

    def _say(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            pass  # The terminal is gone; the server is not.


def version() -> str:
    return software.version()
