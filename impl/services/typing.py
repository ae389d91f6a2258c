"""Who is typing. C-S API, "Typing Notifications".

Others are told when somebody begins and when they stop, not when they go on. Who says nothing more
stops when their time is over: the worker that took the request waits for that and writes the stop.
Should that worker be gone, any other does (`watch`); until then readers take no notice of who is
overdue."""

import logging
from typing import Any

import gevent

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import ephemeral, room_reading
from impl.services.ephemeral import Key, Write
from impl.storage import typing
from impl.storage.database import DatabaseUnavailable

TIMEOUT_MS_DEFAULT = 30_000
TIMEOUT_MS_MAX = 120_000
# COMPAT(Synapse): it says every 40 seconds that somebody goes on, and takes a minute for the end.
TIMEOUT_MS_ELSEWHERE = 60_000
# How often each worker looks for what others have left, and how late it must be for that.
WATCH_SECONDS = 5.0
OVERDUE_MS = 2_000

_log = logging.getLogger(__name__)


def start(
    app: App, requester: Requester, room_id: str, user_id: str, timeout_ms: int | None
) -> None:
    """The user types, for this long."""
    room_nid = _check(app, requester, room_id, user_id)
    wanted = TIMEOUT_MS_DEFAULT if timeout_ms is None else timeout_ms
    until_ts = app.now_ms() + max(0, min(wanted, TIMEOUT_MS_MAX))
    ephemeral.submit_all(app, [_start(app, room_nid, user_id, until_ts)])
    app.part(_Timers, _Timers).set(room_nid, user_id, until_ts)


def stop(app: App, requester: Requester, room_id: str, user_id: str) -> None:
    """The user types no more."""
    room_nid = _check(app, requester, room_id, user_id)
    app.part(_Timers, _Timers).cancel(room_nid, user_id)
    ephemeral.submit_all(app, [_stop(room_nid, user_id, 0)])


def told_of(app: App, room_nid: int, user_id: str, *, is_typing: bool) -> tuple[Key, Write, int]:
    """What another server says of its user, for `ephemeral`. Who goes on is told of again and
    again; who is not stops in the end (`watch`).
    """
    if is_typing:
        return _start(app, room_nid, user_id, app.now_ms() + TIMEOUT_MS_ELSEWHERE)
    return _stop(room_nid, user_id, 0)


def forget(app: App, room_nid: int, user_id: str) -> None:
    """Who is not in the room any more does not type in it. Nobody waits for that."""
    app.part(_Timers, _Timers).cancel(room_nid, user_id)
    # What they said while they left counts no more.
    app.part(ephemeral.Ephemeral, ephemeral.Ephemeral).add(*_stop(room_nid, user_id, 1))


def watch(app: App) -> None:
    """From now on end what nobody else does, until the server stops."""
    app.part(_Watch, _Watch)


def end_overdue(app: App) -> None:
    """End, for all to hear, what should have ended: whoever was to do it is gone."""
    until_ts = app.now_ms() - OVERDUE_MS
    with app.database.read() as txn:
        if not typing.has_overdue(txn, until_ts):
            return
    with app.database.transaction() as txn:
        for room_nid, user_id in typing.lock_overdue(txn, until_ts):
            typing.put(txn, room_nid, user_id, 0)


def _start(app: App, room_nid: int, user_id: str, until_ts: int) -> tuple[Key, Write, int]:
    def write(txn: Any) -> None:
        known = typing.get_for_update(txn, room_nid, user_id)
        if known is not None and known > app.now_ms():
            typing.extend(txn, room_nid, user_id, until_ts)
        else:
            typing.put(txn, room_nid, user_id, until_ts)

    return ("typing", room_nid, user_id), write, 0


def _stop(room_nid: int, user_id: str, rank: int) -> tuple[Key, Write, int]:
    def write(txn: Any) -> None:
        if typing.get_for_update(txn, room_nid, user_id):
            typing.put(txn, room_nid, user_id, 0)

    return ("typing", room_nid, user_id), write, rank


def _check(app: App, requester: Requester, room_id: str, user_id: str) -> int:
    if user_id != requester.user_id:
        raise errors.Forbidden("you can only type yourself")
    with app.database.read() as txn:
        return room_reading.get_joined(app, txn, room_id, user_id).room_nid


class _Timers:
    """This worker's greenlets that end typing when its time is over."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._timers: dict[tuple[int, str], gevent.Greenlet] = {}

    def set(self, room_nid: int, user_id: str, until_ts: int) -> None:
        self.cancel(room_nid, user_id)
        delay_s = max(0, until_ts - self._app.now_ms()) / 1000
        self._timers[room_nid, user_id] = gevent.spawn_later(
            delay_s, self._expire, room_nid, user_id
        )

    def cancel(self, room_nid: int, user_id: str) -> None:
        timer = self._timers.pop((room_nid, user_id), None)
        if timer is not None:
            timer.kill(block=False)

    def stop(self) -> None:
        gevent.killall(list(self._timers.values()))

    def _expire(self, room_nid: int, user_id: str) -> None:
        # From here on it is not to be killed: others may wait for the same commit.
        self._timers.pop((room_nid, user_id), None)

        def write(txn: Any) -> None:
            until_ts = typing.get_for_update(txn, room_nid, user_id)
            # Another worker may have heard that they go on.
            if until_ts and until_ts <= self._app.now_ms():
                typing.put(txn, room_nid, user_id, 0)

        # What they themselves say in the same commit goes before.
        ephemeral.submit(self._app, ("typing", room_nid, user_id), write, rank=-1)


class _Watch:
    """This worker's greenlet that ends what others have left."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        self._greenlet.kill()

    def _run(self) -> None:
        while not self._app.is_stopping:
            gevent.sleep(WATCH_SECONDS)
            try:
                end_overdue(self._app)
            except DatabaseUnavailable:
                _log.warning("who types no more cannot be looked up: the database is away")
            except Exception:
                _log.exception("who types no more cannot be looked up")
