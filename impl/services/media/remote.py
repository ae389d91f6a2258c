"""Files of other servers, fetched for our users and kept. C-S API, "Content repository"; S-S API,
"Content Repository".

A file is fetched once, however many ask for it at the same moment, by nobody's request: who loses
patience, or goes, leaves it to the others and to whoever asks next. Two workers may fetch the same;
the first one's is kept."""

import logging
import math
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent.lock import BoundedSemaphore

from impl import errors
from impl.app import App
from impl.core import rate_limit, server_name
from impl.core.rate_limit import Limit, Slots
from impl.errors import MatrixError
from impl.outbound.content import NotStored
from impl.outbound.failures import BadAnswer, FederationFailure, Refused
from impl.outbound.shared_cache import Found, SharedCache
from impl.received_file import FileTooLarge, ReceivedFile
from impl.services.media import keeping
from impl.storage import media
from impl.storage.media import Media

# Shorter than any request may take. What takes longer goes on, for the next time.
WAIT_S_MAX = 50.0
# One server's, those for one user, and all, that come to a worker at the same time; and how long
# the next ones wait for a place.
AT_ONCE_OF_ONE = 6
AT_ONCE_FOR_ONE = 50
AT_ONCE = 200
PLACE_S_MAX = 20.0
_PAUSE_MS = 5_000
# How long it is believed that there is no such file, or none that we take: long enough that nobody
# has others asked by us in a loop.
REFUSED_S = 30.0
REFUSALS_KEPT_MAX = 10_000
# Who may not have so much any more is told so before it is asked for.
_BYTES_FREE = 1 << 20

_log = logging.getLogger(__name__)


def fetch(
    app: App, origin: str, media_id: str, timeout_ms: int, user_id: str | None = None
) -> Media:
    """The row of a file, once its bytes are here. Whether anybody may have it was looked at before.

    `timeout_ms`: how long its server waits for a file that was only promised to it. `user_id`: for
    whom it is fetched, whose allowance of bytes it takes (`remote_media_download_per_second`)."""
    if server_name.parse(origin) is None:
        raise errors.InvalidParam("server_name is not a name that a server can have")
    fetches = app.part(_Fetches, _Fetches)
    timeout_ms = min(max(timeout_ms, 0), int(WAIT_S_MAX * 1000))
    allowance = _Allowance(app, user_id or origin)
    allowance.check()
    too_late = errors.NotYetUploaded("the file is still on its way here")
    with gevent.Timeout(WAIT_S_MAX, too_late):
        while True:
            try:
                return fetches.cache.get(
                    f"{origin}/{media_id}",
                    lambda last: fetches.find(origin, media_id, timeout_ms, allowance),
                )
            except _Failed as failed:
                # It may be somebody else who had it fetched and had too much: then we do it.
                if not failed.is_of_allowance or allowance.is_refused:
                    raise failed.anew() from None


class _Failed(Exception):
    """It cannot be had. `error` says why, to all who wait and who ask soon."""

    def __init__(self, error: MatrixError) -> None:
        super().__init__(error)
        # Kept without where it was raised: the frames there have the requests.
        error.__cause__ = error.__context__ = None
        self.error = error.with_traceback(None)

    @property
    def is_of_allowance(self) -> bool:
        """Whether it is about who had it fetched, and not about the file."""
        return isinstance(self.error, errors.LimitExceeded)

    def anew(self) -> MatrixError:
        """To be raised, once: what is raised holds on to where it goes."""
        made = type(self.error).__new__(type(self.error), *self.error.args)
        made.__dict__.update(self.error.__dict__)
        return made


class _Fetches:
    """What comes to this worker."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._places = _Places()
        self.cache: SharedCache[Media] = SharedCache(REFUSALS_KEPT_MAX, time.monotonic)

    def find(
        self, origin: str, media_id: str, timeout_ms: int, allowance: "_Allowance"
    ) -> Found[Media]:
        try:
            # Another may have been faster, here or elsewhere.
            file = self._get(origin, media_id)
            if file is None:
                with self._places.place(origin, allowance.whose):
                    file = self._receive(origin, media_id, timeout_ms, allowance)
            return Found(file, 0.0)
        except MatrixError as error:
            allowance.is_refused |= isinstance(error, errors.LimitExceeded)
            return Found(None, 0.0, _Failed(error))
        except FileTooLarge:
            error = errors.TooLarge("the file is larger than this server takes", status=502)
            return Found(None, REFUSED_S, _Failed(error))
        except (NotStored, OSError) as failure:
            _log.error("a file of %s cannot be kept: %s", origin, failure)
            error = errors.Unavailable("the disk does not take the file", status=507)
            return Found(None, 0.0, _Failed(error))
        except FederationFailure as failure:
            is_believed = isinstance(failure, BadAnswer) or (
                isinstance(failure, Refused) and failure.status == 404
            )
            return Found(None, REFUSED_S if is_believed else 0.0, _Failed(_error_of(failure)))

    def _receive(
        self, origin: str, media_id: str, timeout_ms: int, allowance: "_Allowance"
    ) -> Media:
        app = self._app
        with ReceivedFile(app.media_files.incoming, app.config.max_upload_size) as received:
            try:
                app.federation.get_content(origin, media_id, timeout_ms, received, allowance.spend)
            finally:
                allowance.settle(received.size)
            received.finish()
            file = _describe(app, origin, media_id, received)
            keeping.keep(app, received, origin, file.file_id, lambda txn: media.insert(txn, file))
        kept = self._get(origin, media_id)
        if kept is None:
            raise errors.NotFound("there is no such file any more")
        return kept

    def _get(self, origin: str, media_id: str) -> Media | None:
        with self._app.database.read() as txn:
            file = media.get(txn, origin, media_id)
        if file is not None and file.quarantined_by is not None:
            raise errors.NotFound("there is no such file")
        return file


def _describe(app: App, origin: str, media_id: str, received: ReceivedFile) -> Media:
    now_ms = app.now_ms()
    return Media(
        origin,
        media_id,
        # Not the other server's: it would decide where the file lies here.
        file_id=secrets.token_hex(12),
        user_id=None,
        created_ts=now_ms,
        accessed_ts=now_ms,
        size=received.size,
        sha256=received.sha256,
        content_type=received.content_type,
        file_name=received.file_name,
        unused_expires_ts=None,
        is_authenticated=app.config.media.enable_authenticated_media,
        quarantined_by=None,
    )


def _error_of(failure: FederationFailure) -> MatrixError:
    """What a client is told. What the other server says beside that is not for it."""
    if isinstance(failure, Refused):
        if failure.errcode == "M_NOT_YET_UPLOADED":
            return errors.NotYetUploaded("the file has not been uploaded yet")
        if failure.errcode == "M_TOO_LARGE":
            return errors.TooLarge("the file is larger than its server gives out", status=502)
        if failure.status == 404:
            return errors.NotFound("its server has no such file")
    return errors.Unknown(f"the file cannot be had from {failure.destination}", status=502)


class _Allowance:
    """How many bytes of other servers' files one user may have fetched. COMPAT(Synapse): it counts
    by the address of who asks; here it is who asks, and where nobody says, the server.
    """

    def __init__(self, app: App, whose: str) -> None:
        self._app = app
        self._limit = app.config.media.remote_media_download
        self.whose = whose
        self._key = f"remote_media_download {whose}"
        self._spent = 0
        # Whether somebody was told so.
        self.is_refused = False

    def check(self) -> None:
        """Raises LimitExceeded for who has spent it."""
        free = min(_BYTES_FREE, max(1, math.floor(self._limit.burst_count / 10)))
        self._refuse(rate_limit.wait_ms(*self._spending(), free))

    def spend(self, size: int) -> None:
        """As much as will come; raises LimitExceeded."""
        if size:
            self._refuse(rate_limit.spend(*self._spending(), size))
            self._spent += size

    def settle(self, size: int) -> None:
        """What came although nobody had said so. If that is more than was left, all is spent."""
        more = size - self._spent
        if more <= 0:
            return
        wait_ms = rate_limit.spend(*self._spending(), more)
        if wait_ms:
            left = more - math.ceil(wait_ms * self._limit.per_second / 1000)
            if left > 0:
                rate_limit.spend(*self._spending(), left)

    def _spending(self) -> tuple[Slots, Limit, str, int]:
        return self._app.page.rate_slots, self._limit, self._key, self._app.now_ms()

    def _refuse(self, wait_ms: int) -> None:
        if wait_ms:
            raise errors.LimitExceeded(
                "you have had too much fetched from other servers", retry_after_ms=wait_ms
            )


class _Places:
    """So many files may come at once, so that slow servers hold up nobody who asks others, and who
    asks for many of them nobody else."""

    def __init__(self) -> None:
        self._all = BoundedSemaphore(AT_ONCE)
        # The places of a server, or for a user, and how many have or want one.
        self._shares: dict[tuple[str, str], tuple[BoundedSemaphore, list[int]]] = {}

    @contextmanager
    def place(self, origin: str, whose: str) -> Iterator[None]:
        """Wait for a place, have it, and leave it. Raises Unavailable, and LimitExceeded where it
        is about whom the file is for.
        """
        of_server = errors.Unavailable("too many files of that server are on their way")
        of_user = errors.LimitExceeded(
            "too many files of other servers are on their way for you", retry_after_ms=_PAUSE_MS
        )
        of_all = errors.Unavailable("too many files of other servers are on their way")
        with (
            self._share(("server", origin), AT_ONCE_OF_ONE, of_server),
            self._share(("user", whose), AT_ONCE_FOR_ONE, of_user),
            _held(self._all, of_all),
        ):
            yield

    @contextmanager
    def _share(self, key: tuple[str, str], most: int, refusal: MatrixError) -> Iterator[None]:
        places, users = self._shares.setdefault(key, (BoundedSemaphore(most), [0]))
        users[0] += 1
        try:
            with _held(places, refusal):
                yield
        finally:
            users[0] -= 1
            if not users[0]:
                del self._shares[key]


@contextmanager
def _held(places: BoundedSemaphore, refusal: MatrixError) -> Iterator[None]:
    if not places.acquire(timeout=PLACE_S_MAX):
        raise refusal
    try:
        yield
    finally:
        places.release()
