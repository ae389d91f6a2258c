"""What we tell others about the keys of others. S-S API, "Querying Keys Through Another Server".

A notary passes on what servers say of themselves, with its own signature besides theirs. What a
server said last is told when it no longer answers, however old it is: events that it signed can
still be checked with it. Anybody may ask, and for any name, so little is asked of others at a time
for them, and nothing that our own requests would have to wait for."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import gevent
import msgspec
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

from impl import breath, errors
from impl.app import App
from impl.core import identifiers, signing
from impl.services import own_keys
from impl.services.server_key_sources import KeySources
from impl.storage import server_keys
from impl.storage.server_keys import StoredDocument

Json = dict[str, Any]

# Servers in one request, and those of them that are asked anew.
SERVERS_MAX = 1_000
FETCHED_MAX = 100
# In this worker, for all who ask.
FETCHES_AT_ONCE = 20
FETCH_S = 15.0
# Of one server: the newest, and those with keys that are not in newer ones.
DOCUMENTS_MAX = 10
# After so many signatures the worker's other requests have their turn.
BREATH_DOCUMENTS = 50

_decode = msgspec.json.Decoder(dict).decode


class Wanted(NamedTuple):
    """What somebody asks about a server: until when its keys should be good at least, where None is
    now, and which keys it should be.
    """

    until_ts: int | None = None
    key_ids: Collection[str] = ()


class _Document(NamedTuple):
    value: Json
    stored: StoredDocument


class Notary:
    """What is being fetched for others."""

    def __init__(self, app: App) -> None:
        self._sources = app.part(KeySources, KeySources)
        self._slots = BoundedSemaphore(FETCHES_AT_ONCE)
        self._fetching = Group()

    def fetch(self, server_names: Collection[str]) -> None:
        """Ask servers for their keys. Whoever has not answered in time will be there next time."""
        started = [self._fetching.spawn(self._fetch, name) for name in server_names]
        gevent.wait(started, timeout=FETCH_S)

    def _fetch(self, server_name: str) -> None:
        with self._slots:
            self._sources.ask_server(server_name)

    def stop(self) -> None:
        self._fetching.kill()


def query(app: App, wanted: Mapping[str, Wanted]) -> list[Json]:
    """Documents of servers, each signed by us."""
    if len(wanted) > SERVERS_MAX:
        raise errors.InvalidParam(f"server_keys names more than {SERVERS_MAX} servers")
    others = [
        name for name in wanted if name != app.server_name and identifiers.is_server_name(name)
    ]
    known = _read(app, others)
    now_ms = app.now_ms()
    stale = [name for name in others if _is_stale(known[name], wanted[name], now_ms)]
    if stale:
        app.part(Notary, Notary).fetch(stale[:FETCHED_MAX])
        known = _read(app, others)
    answer = [own_keys.document(app)] if app.server_name in wanted else []
    for number, document in enumerate(chain(*known.values()), 1):
        answer.append(_signed(app, document))
        if number % BREATH_DOCUMENTS == 0:
            breath.take()
    return answer


def _read(app: App, server_names: Collection[str]) -> dict[str, list[_Document]]:
    """The newest first."""
    known: dict[str, list[_Document]] = {name: [] for name in server_names}
    if known:
        with app.database.read() as txn:
            for stored in server_keys.list_documents(txn, server_names, DOCUMENTS_MAX):
                document = _Document(_decode(stored.document), stored)
                known[stored.server_name].append(document)
    return known


def _is_stale(known: Sequence[_Document], wanted: Wanted, now_ms: int) -> bool:
    """Whether the server should be asked."""
    if not known or not all(_names(known, key_id) for key_id in wanted.key_ids):
        return True
    newest = known[0].stored
    if wanted.until_ts is not None:
        return newest.valid_until_ts < wanted.until_ts
    # An answer is good for half of its time.
    until_ts = min(newest.valid_until_ts, newest.fetched_ts + signing.KEY_VALIDITY_MAX_MS)
    return (newest.fetched_ts + until_ts) / 2 < now_ms


def _names(known: Sequence[_Document], key_id: str) -> bool:
    return any(
        key_id in one.value["verify_keys"] or key_id in one.value.get("old_verify_keys", ())
        for one in known
    )


def _signed(app: App, document: _Document) -> Json:
    signed = document.value
    for key in app.config.key_server_signing_keys or app.signing_keys:
        signed = signing.sign_json(signed, app.server_name, key)
    return signed
