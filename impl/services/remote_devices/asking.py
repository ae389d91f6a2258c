"""Keys of other servers' users for a client that asks: from the lists that we keep, or from their
servers. S-S API, "End-to-End Encryption".

Many clients ask for the same users at once, when somebody comes into a large room. So each server
is asked for all whom anybody waits for, in one request, and for the next when it has answered; who
waits longer than its client would is answered without, and the answer is kept all the same for who
asks next. Users who share no room with us are asked for as the client did, and nothing is kept."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool

from impl import errors
from impl.app import App
from impl.core import identifiers, told_keys
from impl.core.signed_keys import MASTER
from impl.core.told_keys import Told
from impl.outbound.failures import FederationFailure
from impl.services import published_keys
from impl.services.published_keys import Published
from impl.services.remote_devices import fetching, lists
from impl.services.time_limit import TimeLimit
from impl.storage import key_queries, remote_devices
from impl.storage.cross_signing import StoredKey
from impl.storage.database import DatabaseUnavailable
from impl.storage.key_queries import Row

# C-S API, POST /keys/query: ten seconds is what is recommended.
TIMEOUT_MS = 10_000
TIMEOUT_MS_MAX = 60_000
# What others wait for as well is waited for as long, whatever one client thinks.
QUERY_TIMEOUT_S = 20.0
QUERY_USERS_MAX = 500
# Servers that one request has asked at the same time; those that all of a worker's have asked for
# users whom we follow.
SERVERS_AT_ONCE = 20
QUERIES_AT_ONCE = 100

Json = dict[str, Any]
# user_id -> device ids, all if there are none.
Wanted = Mapping[str, Sequence[str]]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Asked:
    """What is known of users, and the servers that did not answer with what to tell of them."""

    published: dict[str, Published] = field(default_factory=dict)
    failures: dict[str, Json] = field(default_factory=dict)


def limit_of(timeout_ms: int | None) -> TimeLimit:
    """The time that a client gives us."""
    asked = TIMEOUT_MS if timeout_ms is None else timeout_ms
    return TimeLimit(max(0, min(asked, TIMEOUT_MS_MAX)) / 1000)


def by_server(user_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for user_id in user_ids:
        found.setdefault(identifiers.server_name_of(user_id), []).append(user_id)
    return found


def query(app: App, wanted: Wanted, timeout_ms: int | None) -> Asked:
    """The keys of other servers' users."""
    limit, asked = limit_of(timeout_ms), Asked()
    user_ids = list(wanted)
    with app.database.read() as txn:
        known = remote_devices.get_many(txn, user_ids)
        missing = [one for one in user_ids if one not in known or not known[one].is_fresh]
        sharing = remote_devices.list_sharing(txn, missing) if missing else set()
    if sharing:
        _wait_for(app, sorted(sharing), limit, asked)
        with app.database.read() as txn:
            known |= remote_devices.get_many(txn, sorted(sharing))
        app.news.catch_up_if_behind()
    # Of a list that is in doubt we tell what we have, which is more than nothing: it is the device
    # list of somebody whose server is away.
    lists_now = {
        user_id: known[user_id].list_nid
        for user_id in user_ids
        if user_id in known and known[user_id].is_fetched
    }
    if lists_now:
        asked.published |= published_keys.of(app).get_many(list(lists_now), lists_now)
    strangers = [one for one in missing if one not in sharing]
    if strangers:
        _ask_strangers(app, {one: wanted[one] for one in strangers}, limit, asked)
    return asked


def masters(app: App, user_ids: Sequence[str]) -> dict[str, StoredKey]:
    """user_id -> master key, of those of whom there is one to be had."""
    asked = query(app, {user_id: [] for user_id in user_ids}, None) if user_ids else Asked()
    return {
        user_id: StoredKey(user_id, MASTER, one.master.public_key, one.master.as_text())
        for user_id, one in asked.published.items()
        if one.master is not None
    }


def failure_json(reason: str) -> Json:
    """What a client is told of a server."""
    return {"status": 503, **errors.Unavailable(reason).as_json()}


def at_once(
    servers: Sequence[str], ask: Callable[[str], None], limit: TimeLimit
) -> dict[str, Json]:
    """Call `ask` for each server, some at a time, as long as there is time; the failures."""
    failures = dict.fromkeys(servers, failure_json("the server did not answer in time"))

    def run(server_name: str) -> None:
        try:
            ask(server_name)
        except FederationFailure as failure:
            failures[server_name] = failure_json(failure.reason)
        else:
            del failures[server_name]

    pool = Pool(SERVERS_AT_ONCE)
    greenlets = []
    for server_name in servers:
        if not limit.left_s or not _waits_for_place(pool, limit):
            break
        greenlets.append(pool.spawn(run, server_name))
    gevent.joinall(greenlets, timeout=limit.left_s)
    # Who has not answered by now is not listened to: the caller has gone on.
    told = dict(failures)
    pool.kill()
    return told


def _waits_for_place(pool: Pool, limit: TimeLimit) -> bool:
    return pool.wait_available(timeout=limit.left_s) > 0


def claim(
    app: App, wanted: Mapping[str, Mapping[str, str]], timeout_ms: int | None
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, Json]]:
    """One-time keys of other servers' users, as many as were asked for: user -> device -> name ->
    key; and the servers that did not answer.
    """
    limit, servers = limit_of(timeout_ms), by_server(list(wanted))
    found: dict[str, dict[str, dict[str, Any]]] = {}

    def ask(server_name: str) -> None:
        chosen = {user_id: dict(wanted[user_id]) for user_id in servers[server_name]}
        timeout_s = limit.left_s
        answer = app.federation.claim_user_encryption_keys(server_name, chosen, timeout_s)
        told = answer.get("one_time_keys")
        for user_id, devices in chosen.items():
            of_user = told.get(user_id) if isinstance(told, dict) else None
            for device_id, algorithm in devices.items() if isinstance(of_user, dict) else ():
                keys = told_keys.read_one_time_keys(of_user.get(device_id), algorithm)
                if keys:
                    found.setdefault(user_id, {})[device_id] = keys

    failures = at_once(list(servers), ask, limit)
    return found, failures


def _ask_strangers(app: App, wanted: Wanted, limit: TimeLimit, asked: Asked) -> None:
    servers = by_server(list(wanted))

    def ask(server_name: str) -> None:
        chosen = {user_id: list(wanted[user_id]) for user_id in servers[server_name]}
        timeout_s = limit.left_s
        answer = app.federation.query_user_encryption_keys(server_name, chosen, timeout_s)
        for user_id in chosen:
            asked.published[user_id] = _published(told_keys.read_query(answer, user_id), user_id)

    asked.failures |= at_once(list(servers), ask, limit)


def _published(told: Told, user_id: str) -> Published:
    found = Published()
    for one in told.devices.values():
        row = Row(key_queries.DEVICE, user_id, one.device_id, one.key_json, one.display_name)
        found.add(row)
    for key in told.keys.values():
        found.add(Row(key.usage, user_id, key.public_key, key.key_json, None))
    return found


def _wait_for(app: App, user_ids: Sequence[str], limit: TimeLimit, asked: Asked) -> None:
    """Until the lists of users who share rooms with us are fetched, or the time is over."""
    queries = app.part(Queries, Queries)
    users = {user_id: identifiers.server_name_of(user_id) for user_id in user_ids}
    with app.database.transaction() as txn:
        # If we are killed, somebody else asks, later.
        remote_devices.follow(txn, users, app.now_ms() + fetching.RETRY_MS)
    waiting = {user_id: queries.want(server, user_id) for user_id, server in users.items()}
    gevent.wait(list(waiting.values()), timeout=limit.left_s)
    for user_id, result in waiting.items():
        if not result.ready():
            queries.give_up(user_id)
        reason = result.value if result.ready() else "the server did not answer in time"
        if reason:
            asked.failures[users[user_id]] = failure_json(reason)


class Queries:
    """What this worker asks servers for, of users whom we follow."""

    def __init__(self, app: App) -> None:
        self._app = app
        # server -> user_id -> what became of it: None, or why there is no answer.
        self._wanted: dict[str, dict[str, AsyncResult]] = {}
        self._greenlets: dict[str, gevent.Greenlet] = {}
        # For these somebody has waited in vain.
        self._missed: set[str] = set()
        self._places = BoundedSemaphore(QUERIES_AT_ONCE)

    def want(self, server_name: str, user_id: str) -> AsyncResult:
        """A result that is set when the server has been asked for the user, from now on."""
        waiting = self._wanted.setdefault(server_name, {})
        result = waiting.get(user_id)
        if result is None:
            result = waiting[user_id] = AsyncResult()
        if server_name not in self._greenlets:
            self._greenlets[server_name] = gevent.spawn(self._run, server_name)
        return result

    def give_up(self, user_id: str) -> None:
        """Who waited is answered without the user, and will be told when they are known."""
        self._missed.add(user_id)

    def stop(self) -> None:
        gevent.killall(list(self._greenlets.values()))

    def _run(self, server_name: str) -> None:
        try:
            while waiting := self._wanted.get(server_name):
                batch = {one: waiting.pop(one) for one in list(waiting)[:QUERY_USERS_MAX]}
                reason: str | None = "the server could not be asked"
                try:
                    with self._places:
                        reason = self._ask(server_name, list(batch))
                except DatabaseUnavailable as error:
                    _log.warning("the keys of users of %s are not kept: %s", server_name, error)
                except Exception:
                    _log.exception("the keys of users of %s are not known", server_name)
                finally:
                    self._missed.difference_update(batch)
                    for result in batch.values():
                        result.set(reason)
        finally:
            del self._greenlets[server_name]
            self._wanted.pop(server_name, None)

    def _ask(self, server_name: str, user_ids: Sequence[str]) -> str | None:
        """Why there is no answer, if there is none."""
        app = self._app
        with app.database.read() as txn:
            known = remote_devices.get_many(txn, user_ids)
        try:
            answer = app.federation.query_user_encryption_keys(
                server_name, {user_id: [] for user_id in user_ids}, QUERY_TIMEOUT_S
            )
        except FederationFailure as failure:
            # Those that failed before are tried again when that is due, however often somebody
            # asks.
            new = sorted(one for one in known if known[one].attempts == 0)
            with app.database.at_once() as txn:
                remote_devices.put_off(txn, new, [fetching.next_try_ts(app, 0)] * len(new))
            return failure.reason
        answers = {}
        for user_id in known:
            answers[user_id] = told_keys.read_query(answer, user_id)
            gevent.sleep(0)
        heard = {user_id: one.heard_count for user_id, one in known.items()}
        if lists.store(app, answers, heard, self._missed):
            fetching.wake(app, server_name)
        return None
