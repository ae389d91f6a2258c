"""Online, idle, offline. C-S API, "Presence".

Theory. What others are told of a user is a row, and is written only when it changes; that a user is
still there is noted in the memory that all workers of the machine share (storage/seen_users.py),
with each poll and while it waits. So a client that polls and polls costs nothing, and when nobody
notes a user any more, because the client is gone or the worker that served it was killed, any
worker sees that and writes that they are offline (`watch`); until then readers take no notice of
what is overdue.

Where several devices say several things, core/presence.py weighs them. Writes are coalesced with
the other short-lived ones: one commit has one change of a user, that of the highest rank."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gevent

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core import presence as rules
from impl.core.presence import OFFLINE, ONLINE, UNAVAILABLE, Presence, Seen, Timeouts
from impl.requester import Requester
from impl.services import ephemeral, presence_news, rate_limiting
from impl.services.ephemeral import Key, Write
from impl.storage import presence as stored
from impl.storage.database import DatabaseUnavailable
from impl.storage.presence import Row

STATUS_BYTES_MAX = 1000
# How often each worker looks after its own users, and after those that others have left.
TICK_SECONDS = 5.0
SWEEP_SECONDS = 30.0
SWEEP_ROWS = 1000
# So long after a device was last heard of, a user of whom this machine knows nothing is no longer
# on another one: a long poll, and the delay with which devices are written.
ELSEWHERE_MS = 180_000
# COMPAT(Synapse): it repeats every 25 minutes what has not changed of its users, and gives up on
# those of others after 30.
SILENT_MS = 1_800_000

_BY_TIME, _BY_POLL, _BY_HAND = range(3)
_log = logging.getLogger(__name__)

Change = Callable[[Presence], Presence]


def put(app: App, requester: Requester, user_id: str, state: str, status_msg: str | None) -> None:
    """Set one's own. Raises Forbidden for another's."""
    if user_id != requester.user_id:
        raise errors.Forbidden("you can only set your own presence")
    if status_msg is not None and len(status_msg.encode()) > STATUS_BYTES_MAX:
        raise errors.InvalidParam(f"status_msg is longer than {STATUS_BYTES_MAX} bytes")
    if not app.config.presence.enabled:
        return
    rate_limiting.spend(app, "rc_presence_per_user", f"{user_id} by hand", requester)
    now_ms = app.now_ms()
    _note(app, user_id, requester.device_id, state)
    if state == ONLINE:
        app.page.seen_users.note_active(user_id, now_ms)
    app.part(_Polls, _Polls).users.add(user_id)

    def change(old: Presence) -> Presence:
        active_ts = now_ms if state == ONLINE else old.last_active_ts
        return Presence(state, status_msg, active_ts, state == ONLINE)

    ephemeral.submit_all(app, [_write(app, user_id, change, _BY_HAND)])


def get(app: App, requester: Requester, user_id: str) -> dict[str, Any]:
    """As GET answers it. Raises Forbidden for who shares no room with the requester, whether or not
    there is such a user.
    """
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")
    if not app.config.presence.enabled:
        return {"presence": OFFLINE}
    if user_id != requester.user_id:
        with app.database.read() as txn:
            if not stored.share_a_room(txn, requester.user_id, user_id):
                raise errors.Forbidden("you may not see this user's presence")
    row = presence_news.of(app).get_many([user_id]).get(user_id)
    return {"presence": OFFLINE} if row is None else _content(app, _now(app, row))


def event(app: App, row: Row) -> dict[str, Any]:
    """The m.presence event that tells of a user."""
    content = _content(app, _now(app, row))
    if row.display_name is not None:
        content["displayname"] = row.display_name
    if row.avatar_url is not None:
        content["avatar_url"] = row.avatar_url
    return {"type": "m.presence", "sender": row.user_id, "content": content}


@contextmanager
def polling(app: App, requester: Requester, state: str) -> Iterator[None]:
    """While a client polls, its user is online, or idle: what it says with the poll. `offline` says
    nothing.
    """
    if state == OFFLINE or not app.config.presence.enabled:
        yield
        return
    polls = app.part(_Polls, _Polls)
    device = (requester.user_id, requester.device_id or "", state)
    polls.users.add(requester.user_id)
    polls.open[device] += 1
    try:
        _claim(app, requester, state)
        yield
    finally:
        polls.open[device] -= 1
        if not polls.open[device]:
            del polls.open[device]
        _note(app, *device)


def note_activity(app: App, requester: Requester) -> None:
    """The user did something that others see, such as sending a message."""
    if not app.config.presence.enabled:
        return
    user_id, now_ms = requester.user_id, app.now_ms()
    try:
        row = presence_news.of(app).get_many([user_id]).get(user_id)
    except DatabaseUnavailable:
        return  # What they did is done.
    if row is None or row.presence.state == OFFLINE:
        return
    app.page.seen_users.note_active(user_id, now_ms)
    if rules.after_activity(row.presence, now_ms).told != row.presence.told:
        app.part(_Polls, _Polls).users.add(user_id)
        change = _write(app, user_id, lambda old: rules.after_activity(old, now_ms), _BY_POLL)
        app.part(ephemeral.Ephemeral, ephemeral.Ephemeral).add(*change)


def tell_of_profile(app: App, user_id: str) -> None:
    """Display name and avatar are told with the presence. C-S API, "Events on Change of Profile
    Information".
    """
    if not app.config.presence.enabled:
        return

    def write(txn: Any) -> None:
        if stored.get_for_update(txn, user_id) is not None:
            stored.tell_again(txn, user_id)

    ephemeral.submit(app, ("presence", user_id, "profile"), write)


def _claim(app: App, requester: Requester, state: str) -> None:
    user_id, now_ms, limits = requester.user_id, app.now_ms(), timeouts(app)
    _note(app, user_id, requester.device_id, state)
    if state == ONLINE:
        app.page.seen_users.note_active(user_id, now_ms)
    seen = app.page.seen_users.get(user_id) or Seen()

    def change(old: Presence) -> Presence:
        if state == ONLINE:
            return rules.after_online(old, now_ms)
        return rules.after_unavailable(old, seen, now_ms, limits)

    row = presence_news.of(app).get_many([user_id]).get(user_id)
    old = Presence() if row is None else row.presence
    if change(old).told == old.told:
        return
    # COMPAT(Synapse's rc_presence): what comes too often is passed over, and the poll goes on.
    with suppress(errors.LimitExceeded):
        rate_limiting.spend(app, "rc_presence_per_user", user_id, requester)
        ephemeral.submit_all(app, [_write(app, user_id, change, _BY_POLL)])
        # This poll tells of it, so that the next need not.
        app.news.catch_up_if_behind()


def _note(app: App, user_id: str, device_id: str | None, state: str) -> None:
    seen = app.page.seen_users
    if state == ONLINE:
        seen.note_online(user_id, device_id or "", app.now_ms())
    elif state == UNAVAILABLE:
        seen.note_unavailable(user_id, device_id or "", app.now_ms())


def _write(app: App, user_id: str, change: Change, rank: int) -> tuple[Key, Write, int]:
    def write(txn: Any) -> None:
        known = stored.get_for_update(txn, user_id)
        old = known or Presence()
        new = change(old)
        if known is None or new.told != old.told:
            stored.put(txn, user_id, new)

    return ("presence", user_id, ""), write, rank


def told_of(app: App, user_id: str, presence: Presence) -> tuple[Key, Write, int]:
    """What another server says of its user, for `ephemeral`."""

    def write(txn: Any) -> None:
        known = stored.get_for_update(txn, user_id)
        if known is None or known.told != presence.told:
            stored.put_told(txn, user_id, presence, app.now_ms())
        else:
            stored.put_heard(txn, user_id, app.now_ms())

    return ("presence", user_id, ""), write, _BY_HAND


def timeouts(app: App) -> Timeouts:
    """Those of the configuration."""
    return app.config.presence.timeouts


def _now(app: App, row: Row) -> Presence:
    """What is left of what was told."""
    seen = app.page.seen_users.get(row.user_id)
    if seen is None:
        return row.presence
    return rules.settled(row.presence, seen, app.now_ms(), timeouts(app))


def _content(app: App, presence: Presence) -> dict[str, Any]:
    content: dict[str, Any] = {"presence": presence.state}
    if presence.last_active_ts:
        content["last_active_ago"] = max(0, app.now_ms() - presence.last_active_ts)
    if presence.status_msg is not None:
        content["status_msg"] = presence.status_msg
    if presence.state == ONLINE:
        content["currently_active"] = presence.is_currently_active
    return content


def told_elsewhere(app: App, txn: Any, user_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What other servers are told of users of ours, of those of whom there is anything."""
    found: dict[str, dict[str, Any]] = {}
    for user_id, row in stored.get_many(txn, sorted(user_ids)).items():
        # It must be said; who was never active was not so for long.
        long_ago = {"last_active_ago": app.now_ms()}
        found[user_id] = long_ago | _content(app, row.presence)
    return found


class _Polls:
    """The polls that wait in this worker, and the users whom it has seen."""

    def __init__(self, app: App) -> None:
        # (user_id, device_id, what it says)
        self.open: Counter[tuple[str, str, str]] = Counter()
        self.users: set[str] = set()


def tick(app: App) -> None:
    """Note whose polls wait here; write what time has made of those whom this worker has seen."""
    polls = app.part(_Polls, _Polls)
    for poll in list(polls.open):
        _note(app, *poll)
    rows = presence_news.of(app).get_many(polls.users)
    present = {one for one, row in rows.items() if row.presence.state != OFFLINE}
    polls.users &= present | {user_id for user_id, _, _ in polls.open}
    seen = app.page.seen_users
    _settle(app, [(one, rows[one].presence, seen.get(one) or Seen()) for one in sorted(present)])


def end_overdue(app: App) -> None:
    """Write what time has made of everybody: who served them may be gone."""
    after = ""
    while True:
        with app.database.read() as txn:
            found = stored.list_present(txn, after, SWEEP_ROWS)
        candidates = []
        for user_id, presence, last_seen_ts in found:
            seen = app.page.seen_users.get(user_id)
            if seen is not None or last_seen_ts < app.now_ms() - ELSEWHERE_MS:
                candidates.append((user_id, presence, seen or Seen()))
        _settle(app, candidates)
        if len(found) < SWEEP_ROWS:
            break
        after = found[-1][0]
    _end_silent(app)


def _end_silent(app: App) -> None:
    """Of whom another server says nothing any more."""
    with app.database.read() as txn:
        silent = stored.list_silent(txn, app.now_ms() - SILENT_MS, SWEEP_ROWS)
    if silent:
        ephemeral.submit_all(app, [told_of(app, user_id, Presence()) for user_id in silent])


def _settle(app: App, candidates: Iterable[tuple[str, Presence, Seen]]) -> None:
    now_ms, limits = app.now_ms(), timeouts(app)
    writes = []
    for user_id, presence, seen in candidates:
        if rules.settled(presence, seen, now_ms, limits).told == presence.told:
            continue

        def change(old: Presence, user_id: str = user_id, seen: Seen = seen) -> Presence:
            # They may have come back in the meantime.
            newest = app.page.seen_users.get(user_id) or seen
            return rules.settled(old, newest, app.now_ms(), limits)

        writes.append(_write(app, user_id, change, _BY_TIME))
    if writes:
        ephemeral.submit_all(app, writes)


def watch(app: App) -> None:
    """From now on do so every few seconds, until the server stops."""
    if app.config.presence.enabled:
        app.part(_Watch, _Watch)


class _Watch:
    """This worker's greenlet that lets time pass."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        self._greenlet.kill()

    def _run(self) -> None:
        # A poll must be noted again before it is taken to be over.
        pause = min(TICK_SECONDS, timeouts(self._app).sync_online / 3000)
        since_sweep = 0.0
        while not self._app.is_stopping:
            gevent.sleep(pause)
            since_sweep += pause
            try:
                tick(self._app)
                if since_sweep >= SWEEP_SECONDS:
                    since_sweep = 0.0
                    end_overdue(self._app)
            except DatabaseUnavailable:
                _log.warning("presence cannot be looked after: the database is away")
            except Exception:
                _log.exception("presence cannot be looked after")
