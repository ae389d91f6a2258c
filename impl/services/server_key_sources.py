"""Where other servers' keys come from: from themselves, and from the notaries that we trust. S-S
API, "Retrieving server keys".

Whom to ask first depends on what for. Who sends us a request is there to be asked, and what a
server says of itself over its own TLS connection needs no third party; the notaries are for when it
does not answer. The same holds for the events of one or two servers, with less patience: they may
be gone. The events of a large room are of hundreds of servers, many of which are gone: there a
notary answers in one request what would be hundreds, so it is asked first, and of the servers only
those that it does not know. (Synapse always asks the notaries first.)

Whoever asks, it is one request to a server at a time in a worker, and a server that does not
answer, or does not know a key, is not asked for it again and again."""

import logging
import time
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any

import gevent
from gevent import Greenlet
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

from impl import breath
from impl.app import App
from impl.config.server_keys import TrustedKeyServer
from impl.core import identifiers, server_keys, signing
from impl.core.rejection import Malformed
from impl.core.server_keys import KeyDocument
from impl.core.unpadded_base64 import decode_base64
from impl.outbound.failures import BadAnswer, FederationFailure
from impl.services import strangers
from impl.services.back_off import BackOff
from impl.services.known_server_keys import KnownKeys, Needs
from impl.services.strangers import Strangers
from impl.storage.database import DatabaseUnavailable
from impl.storage.server_keys import KeyName

# For an answer; a notary may have to ask others first.
SERVER_S = 10.0
NOTARY_S = 30.0
# Before the next source is asked as well: a few servers at most, or hundreds.
PATIENCE_S = 2.0
PATIENCE_WITH_NOTARY_S = 8.0
SERVERS_AT_ONCE = 100
# So many are asked themselves before the notaries are.
FEW_SERVERS = 2
# Servers in one request to a notary, and documents of each in its answer.
NOTARY_BATCH = 100
DOCUMENTS_MAX = 10

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
# Before somebody is asked again whether a key that is known is good for longer.
_LONGER_MS = 2 * _MINUTE_MS

_log = logging.getLogger(__name__)


class KeySources:
    """Asks, for the requests of this worker."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._known = app.part(KnownKeys, KnownKeys)
        self._greenlets = Group()
        self._slots = BoundedSemaphore(SERVERS_AT_ONCE)
        # What may be asked for requests whose signers are being looked up, beside all others.
        self._slots_of_strangers = BoundedSemaphore(2 * strangers.PLACES_MAX)
        # What is under way.
        self._servers_asked: dict[str, Greenlet] = {}
        self._notaries_asked: dict[tuple[str, KeyName], Greenlet] = {}
        # Who answered a moment ago has nothing new to say.
        self._answered = BackOff(_MINUTE_MS, _MINUTE_MS)
        self._unreachable = BackOff(_MINUTE_MS // 2, _HOUR_MS)
        self._notaries_failed = BackOff(_MINUTE_MS, _HOUR_MS)
        # Keys that nobody knows, and servers in whose name somebody signs with such.
        self._absent = BackOff(_MINUTE_MS, 24 * _HOUR_MS)
        self._unknown_signers = BackOff(_MINUTE_MS, _MINUTE_MS)
        self._refreshed = BackOff(10 * _MINUTE_MS, 10 * _MINUTE_MS)

    def fetch(self, needs: Needs, timeout_s: float) -> None:
        """Ask for keys that have signed events; what is found then is in memory."""
        now_ms = self._app.now_ms()
        needs = {
            name: until_ts
            for name, until_ts in needs.items()
            if not self._is_absent(name, now_ms) and identifiers.is_server_name(name[0])
        }
        ways = [self._start_asking_servers, self._start_asking_notaries]
        patience_s = PATIENCE_S
        if len({server_name for server_name, _ in needs}) > FEW_SERVERS:
            ways.reverse()
            patience_s = PATIENCE_WITH_NOTARY_S
        ends = time.monotonic() + timeout_s
        running: list[Greenlet] = []
        for way in ways:
            if unmet := self._known.unmet(needs):
                running += way(unmet)
                self._wait(running, needs, min(patience_s, ends - time.monotonic()))
        self._wait(running, needs, ends - time.monotonic())
        self._note_absent(needs, running, now_ms)

    def fetch_for_request(self, name: KeyName, address: str) -> None:
        """Ask for a key by which a server, it is said, has signed a request just now, that has come
        from some address.

        Anybody can say so: a server is asked once a minute at most for keys that it does not have,
        and not all servers at once. Raises LimitExceeded.
        """
        server_name, now_ms = name[0], self._app.now_ms()
        if self._unknown_signers.is_waiting(server_name, now_ms):
            return
        with self._app.part(Strangers, Strangers).place(server_name, address):
            self._fetch_for_request(name, now_ms)

    def _fetch_for_request(self, name: KeyName, now_ms: int) -> None:
        server_name, needs = name[0], {name: now_ms}
        # It is there again, it seems.
        running = self._start_asking_servers(needs, _MINUTE_MS, self._slots_of_strangers)
        self._wait(running, needs, PATIENCE_S)
        # What it answers itself counts, also if the key is not in it.
        if not self._answered.is_waiting(server_name, self._app.now_ms()):
            running += self._start_asking_notaries(needs)
        self._wait(running, needs, NOTARY_S)
        if self._known.unmet(needs):
            self._unknown_signers.put_off(server_name, now_ms)

    def refresh(self, name: KeyName, stale_ts: int) -> None:
        """Ask for a key that is still good, in the background, so that nobody has to wait when it
        is not; unless another worker did so after `stale_ts`.
        """
        now_ms = self._app.now_ms()
        if not self._refreshed.is_waiting(name[0], now_ms):
            self._refreshed.put_off(name[0], now_ms)
            self._greenlets.spawn(self._refresh, name, stale_ts)

    def ask_server(self, server_name: str) -> bool:
        """Whether it answered: what it says of its keys is stored."""
        asked = self._start_asking_servers([(server_name, "")])
        gevent.wait(asked, timeout=SERVER_S)
        return any(one.value for one in asked)

    def stop(self) -> None:
        self._greenlets.kill()

    def _is_absent(self, name: KeyName, now_ms: int) -> bool:
        """Whether nobody knew the key a while ago; or, of one that is known, for as long as
        somebody's event needed it. Who names keys that others do not have yet, or dates events
        ahead, must not keep us from hearing of them.
        """
        longest_ms = None if name[0] in self._unreachable else _HOUR_MS
        if self._known.get(name) is not None:
            longest_ms = _LONGER_MS
        return self._absent.is_waiting(name, now_ms, longest_ms)

    def _note_absent(self, needs: Needs, running: Collection[Greenlet], now_ms: int) -> None:
        """Put off what nobody knew, unless nobody was asked, or somebody may say it yet."""
        unmet = self._known.unmet(needs)
        for name in needs:
            if name not in unmet:
                self._absent.forget(name)
            elif running and all(one.ready() for one in running):
                self._absent.put_off(name, now_ms)

    def _refresh(self, name: KeyName, stale_ts: int) -> None:
        try:
            self._known.load([name])
        except DatabaseUnavailable:
            return
        key = self._known.get(name)
        if key is None or key.fetched_ts <= stale_ts:
            self.ask_server(name[0])

    def _may_ask(self, server_name: str) -> bool:
        # What notaries say of servers that we do not talk to is as good as of others: their users
        # may be in rooms of those that we do talk to.
        return server_name != self._app.server_name and self._app.is_federated_with(server_name)

    def _wait(self, running: Collection[Greenlet], needs: Needs, seconds: float) -> None:
        """Until all have ended, or what is needed is there, or the time is over."""
        pending = [one for one in running if not one.ready()]
        if not pending or seconds <= 0 or not self._known.unmet(needs):
            return
        with gevent.iwait(pending, timeout=seconds) as ended:
            for _ in ended:
                if not self._known.unmet(needs):
                    return

    def _start_asking_servers(
        self,
        names: Iterable[KeyName],
        longest_ms: int | None = None,
        slots: BoundedSemaphore | None = None,
    ) -> list[Greenlet]:
        """One request to each server, unless it failed or answered lately."""
        now_ms = self._app.now_ms()
        running = []
        for server_name in {name[0] for name in names}:
            asked = self._servers_asked.get(server_name)
            if asked is None:
                if not self._may_ask(server_name):
                    continue
                if self._answered.is_waiting(server_name, now_ms) or self._unreachable.is_waiting(
                    server_name, now_ms, longest_ms
                ):
                    continue
                asked = self._greenlets.spawn(self._ask_server, server_name, slots or self._slots)
                self._servers_asked[server_name] = asked
            running.append(asked)
        return running

    def _ask_server(self, server_name: str, slots: BoundedSemaphore) -> bool:
        now_ms = self._app.now_ms()
        try:
            with slots:
                answer = self._app.federation.get_server_key(server_name, SERVER_S)
            document = server_keys.read(answer, now_ms)
            if document.server_name != server_name:
                raise Malformed("it is another server's")
            self._known.keep([document], is_first_hand=True)
        except (FederationFailure, Malformed) as error:
            _log.info("%s does not say its keys: %s", server_name, error)
            self._unreachable.put_off(server_name, now_ms)
            return False
        except DatabaseUnavailable as error:
            _log.warning("the keys of %s cannot be kept: %s", server_name, error)
            return False
        finally:
            del self._servers_asked[server_name]
        self._unreachable.forget(server_name)
        self._answered.put_off(server_name, now_ms)
        return True

    def _start_asking_notaries(self, needs: Needs) -> list[Greenlet]:
        """All notaries at once, in as few requests as may be."""
        now_ms = self._app.now_ms()
        running = set()
        for notary in self._app.config.trusted_key_servers:
            if not self._may_ask(notary.server_name):
                continue
            if self._notaries_failed.is_waiting(notary.server_name, now_ms):
                continue
            by_server: dict[str, dict[str, int]] = {}
            for name, until_ts in needs.items():
                asked = self._notaries_asked.get((notary.server_name, name))
                if asked is not None:
                    running.add(asked)
                else:
                    by_server.setdefault(name[0], {})[name[1]] = until_ts
            rest = iter(by_server.items())
            while batch := dict(islice(rest, NOTARY_BATCH)):
                running.add(self._spawn_notary(notary, batch))
        return list(running)

    def _spawn_notary(self, notary: TrustedKeyServer, batch: dict[str, dict[str, int]]) -> Greenlet:
        names = [
            (notary.server_name, (server_name, key_id))
            for server_name, keys in batch.items()
            for key_id in keys
        ]
        asked = self._greenlets.spawn(self._ask_notary, notary, batch)
        self._notaries_asked.update(dict.fromkeys(names, asked))

        def forget(_: Greenlet) -> None:
            for name in names:
                self._notaries_asked.pop(name, None)

        asked.rawlink(forget)
        return asked

    def _ask_notary(self, notary: TrustedKeyServer, batch: dict[str, dict[str, int]]) -> None:
        now_ms = self._app.now_ms()
        wanted = {
            server_name: {
                key_id: {"minimum_valid_until_ts": until_ts} for key_id, until_ts in keys.items()
            }
            for server_name, keys in batch.items()
        }
        try:
            answer = self._app.federation.bulk_perspectives_key_query(
                notary.server_name, wanted, NOTARY_S
            )
            given = answer.get("server_keys")
            if not isinstance(given, list):
                raise BadAnswer(notary.server_name, "server_keys is not a list")
            documents = self._read_given(notary, batch, given, now_ms)
            self._known.keep(documents, is_first_hand=False)
        except FederationFailure as error:
            _log.info("the notary %s does not answer: %s", notary.server_name, error)
            self._notaries_failed.put_off(notary.server_name, now_ms)
        except DatabaseUnavailable as error:
            _log.warning("keys from %s cannot be kept: %s", notary.server_name, error)
        else:
            self._notaries_failed.forget(notary.server_name)

    def _read_given(
        self,
        notary: TrustedKeyServer,
        asked: Collection[str],
        given: Sequence[Any],
        now_ms: int,
    ) -> list[KeyDocument]:
        """What a notary may tell us: documents of servers that it was asked for."""
        documents = []
        for value in given[: DOCUMENTS_MAX * len(asked)]:
            try:
                _check_notary(notary, value)
                document = server_keys.read(value, now_ms)
                if document.server_name not in asked:
                    raise Malformed(f"nobody asked for {document.server_name}")
                documents.append(document)
            except Malformed as error:
                _log.info("keys from %s are not taken: %s", notary.server_name, error)
            breath.take()
        return documents


def _check_notary(notary: TrustedKeyServer, value: object) -> None:
    """Raise Malformed unless the notary has signed by a key that the configuration names, if it
    names any.
    """
    if not notary.verify_keys:
        return
    for key_id, text in notary.verify_keys.items():
        try:
            if isinstance(value, dict):
                signing.verify_json(value, notary.server_name, key_id, decode_base64(text))
                return
        except Malformed:
            continue
    raise Malformed("the notary has not signed them by a key of trusted_key_servers")
