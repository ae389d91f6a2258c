"""A worker's start: what it takes over from one that has ended."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from impl import wsgi
from impl.app import App
from impl.config import Config
from impl.core.signing import write_signing_key
from impl.services import accounts
from impl.storage import memberships
from impl.web import path_tree
from tests.builders import ALICE, BOB, a_requester, a_room, a_signing_key, append, member


def rooms_of(app: App, user_id: str) -> list[str]:
    with app.database.read() as txn:
        return [one.membership for one in memberships.list_of_user(txn, user_id)]


def test_a_worker_that_starts_finishes_what_a_deactivation_began(
    app: App, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.signing_key_path.write_text(write_signing_key(a_signing_key()))
    for localpart in ("alice", "bob"):
        accounts.register_user(app, localpart, None)
    append(app, a_room(app), member(BOB, "join"))
    # As if the worker had been killed between the answer and what follows it.
    monkeypatch.setattr(app, "spawn", lambda *_: None)
    accounts.deactivate(app, a_requester(BOB), erase=False)
    assert rooms_of(app, BOB) == ["join"]

    api: Any = SimpleNamespace(root=path_tree.Node())
    site = wsgi.make_site(config, app.database.dsn, tmp_path / "workers", 7, api)
    site.app.background.join(timeout=30)
    site.stop()
    assert rooms_of(app, BOB) == ["leave"]
    assert rooms_of(app, ALICE) == ["join"]
