"""Typing that ends by itself, also when the worker that was to end it is gone."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from impl import wsgi
from impl.app import App
from impl.config import Config
from impl.core.signing import write_signing_key
from impl.services import membership, typing
from impl.web import path_tree
from tests.builders import (
    ALICE,
    BOB,
    CHARLIE,
    a_requester,
    a_room,
    a_signing_key,
    append,
    member,
)
from tests.services.sync_client import ask, joined


def typers(answer: dict[str, Any], room_id: str) -> list[list[str]]:
    events = joined(answer, room_id)["ephemeral"]["events"]
    return [one["content"]["user_ids"] for one in events if one["type"] == "m.typing"]


def start(app: App, room_id: str, timeout_ms: int) -> None:
    typing.start(app, a_requester(ALICE), room_id, ALICE, timeout_ms)


def kill(app: App) -> None:
    """What is left of a worker that was killed: nothing but what it has written."""
    app.part(typing._Timers, typing._Timers).stop()


def test_who_says_nothing_more_stops(app: App) -> None:
    room_id = a_room(app)
    since = ask(app, ALICE)["next_batch"]
    start(app, room_id, 100)
    told = ask(app, ALICE, since, timeout_ms=10_000)
    if typers(told, room_id) == [[ALICE]]:  # It may be over already.
        told = ask(app, ALICE, told["next_batch"], timeout_ms=30_000)
    assert typers(told, room_id) == [[]]


def test_who_is_sent_away_or_leaves_types_no_more(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"), member(CHARLIE, "join"))
    for user_id in (BOB, CHARLIE):
        typing.start(app, a_requester(user_id), room_id, user_id, 100_000)
    since = ask(app, ALICE)["next_batch"]
    membership.kick(app, a_requester(ALICE), room_id, BOB)
    membership.leave(app, a_requester(CHARLIE), room_id)
    told: list[list[str]] = []
    while not told or told[-1]:
        answer = ask(app, ALICE, since, timeout_ms=10_000)
        assert answer["next_batch"] != since
        since = answer["next_batch"]
        told += typers(answer, room_id)
    assert typers(ask(app, ALICE), room_id) == []


def test_another_worker_ends_what_one_that_was_killed_left(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(dsn=one.database.dsn)
    room_id = a_room(one)
    start(one, room_id, 30_000)
    kill(one)
    since = ask(other, ALICE)["next_batch"]
    typing.end_overdue(other)
    assert ask(other, ALICE, since)["rooms"]["join"] == {}

    now_ms = other.now_ms()
    other.now_ms = lambda: now_ms + 30_000 + typing.OVERDUE_MS + 1
    poll = gevent.spawn(ask, other, ALICE, since, timeout_ms=10_000)
    gevent.idle()
    typing.end_overdue(other)
    assert typers(poll.get(timeout=10), room_id) == [[]]


def test_every_worker_of_the_server_watches(
    app: App, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(typing, "OVERDUE_MS", 0)
    config.signing_key_path.write_text(write_signing_key(a_signing_key()))
    room_id = a_room(app)
    start(app, room_id, 100)
    kill(app)
    since = ask(app, ALICE)["next_batch"]
    api: Any = SimpleNamespace(root=path_tree.Node())
    site = wsgi.make_site(config, app.database.dsn, tmp_path / "workers", 7, api)
    try:
        assert typers(ask(app, ALICE, since, timeout_ms=10_000), room_id) == [[]]
    finally:
        site.stop()
