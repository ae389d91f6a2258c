"""Somebody who types `soma room …`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from impl.commands.main import main


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command came to."""

    status: int
    out: str
    err: str


class RoomShell:
    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = config
        self._capsys = capsys

    def type(self, what: str, *words: str) -> Typed:
        self._capsys.readouterr()
        try:
            status = main(["room", what, "--config-path", str(self.config), *words])
        except SystemExit as end:
            status = int(end.code or 0)
        captured = self._capsys.readouterr()
        return Typed(status, captured.out, captured.err)

    def text(self, what: str, *words: str) -> str:
        """The text of a command that works."""
        typed = self.type(what, *words)
        assert (typed.status, typed.err) == (0, "")
        return typed.out

    def json(self, what: str, *words: str) -> Any:
        """The same for scripts."""
        return json.loads(self.text(what, "--json", *words))

    def refusal(self, what: str, *words: str) -> str:
        """Why a command does not work."""
        typed = self.type(what, *words)
        assert (typed.status, typed.out) == (1, "")
        assert typed.err.startswith("soma: ") and "Traceback" not in typed.err
        return typed.err.removeprefix("soma: ")
