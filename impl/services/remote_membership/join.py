"""Joining a room through a server that is in it. S-S API, "Joining Rooms", "Restricted rooms"."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from typing import Any

from gevent.lock import BoundedSemaphore

from impl import breath, errors
from impl.app import App
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.counted import counted
from impl.outbound.failures import BadAnswer
from impl.services import room_reading
from impl.services.incoming import receive_pdu
from impl.services.remote_history import completion
from impl.services.remote_membership import asking, taking_in, template
from impl.storage.leases import Leases

# Under way in a worker, and of one user; and rooms that are kept at the same time.
JOINS_MAX = 50
JOINS_OF_USER_MAX = 10
TAKEN_IN_AT_ONCE = 4
# Of those that are not small so many are read at once: more than one user can have under way.
READ_AT_ONCE = 12
SMALL_BYTES = 1 << 20
_PAUSE_MS = 5_000
# Until it is looked again whether another worker has joined the room: each look may take a
# connection to the database.
LOOK_S = 0.25
LOOK_S_MAX = 2.0


class Joins:
    """This worker's joins: of each room one at a time, since the second finds the room here.

    `turn` is for those who wait for it; `alone` is while it is done, whoever still waits, and among
    all workers: two that come into a room from nothing at once would each take in half of it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._leases = Leases(app.database, "joins")
        self._turns: dict[str, tuple[BoundedSemaphore, int]] = {}
        self._of_user: Counter[str] = Counter()
        self._reading = BoundedSemaphore(READ_AT_ONCE)
        self.taking_in = BoundedSemaphore(TAKEN_IN_AT_ONCE)

    @contextmanager
    def place(self, user_id: str) -> Iterator[None]:
        """While a user's join is under way. Raises LimitExceeded."""
        counts = self._of_user
        if counts[user_id] >= JOINS_OF_USER_MAX or counts.total() >= JOINS_MAX:
            raise errors.LimitExceeded("too many rooms are being joined", retry_after_ms=_PAUSE_MS)
        with counted(counts, user_id):
            yield

    def turn(self, room_id: str) -> "_Turn":
        return _Turn(self._turns, room_id)

    @contextmanager
    def alone(self, room_id: str) -> Iterator[None]:
        """Raises Unavailable where the server stops meanwhile."""
        number = int.from_bytes(hashlib.sha256(room_id.encode()).digest()[:8], "big")
        pause_s = LOOK_S
        while not self._leases.take(number):
            if not self._app.pause(pause_s):
                raise errors.Unavailable("the server stops")
            pause_s = min(2 * pause_s, LOOK_S_MAX)
        try:
            yield
        finally:
            self._leases.give(number)

    def reading(self, answer: Mapping[str, Any]) -> AbstractContextManager[object]:
        """While a room is read, and until it is kept: as long as servers whose keys are needed care
        to say nothing. So what is small waits for nobody.
        """
        lists = [answer.get(name) for name in ("state", "auth_chain")]
        told = chain.from_iterable(one for one in lists if isinstance(one, list))
        size = sum(len(memoryview(text)) for text in breath.between(told))
        return self._reading if size > SMALL_BYTES else nullcontext()

    def stop(self) -> None:
        self._leases.close()


class _Turn:
    def __init__(self, turns: dict[str, tuple[BoundedSemaphore, int]], room_id: str) -> None:
        self._turns = turns
        self._room_id = room_id

    def __enter__(self) -> None:
        semaphore, waiting = self._turns.get(self._room_id, (BoundedSemaphore(1), 0))
        self._turns[self._room_id] = (semaphore, waiting + 1)
        try:
            semaphore.acquire()
        except BaseException:
            self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        semaphore = self._turns[self._room_id][0]
        self._leave()
        semaphore.release()

    def _leave(self) -> None:
        semaphore, waiting = self._turns[self._room_id]
        if waiting == 1:
            del self._turns[self._room_id]
        else:
            self._turns[self._room_id] = (semaphore, waiting - 1)


def join(
    app: App, user_id: str, room_id: str, content: Mapping[str, Any], servers: Sequence[str]
) -> str:
    """Bring a user of ours into a room through one of some servers, and return the event id.

    Raises what `asking.first` raises, and LimitExceeded."""
    draft = Draft("m.room.member", user_id, dict(content), state_key=user_id)
    with app.part(Joins, Joins).place(user_id):
        return asking.first(
            servers, f"joining {room_id}", lambda server: _through(app, server, room_id, draft)
        )


def _through(app: App, server: str, room_id: str, draft: Draft) -> str:
    """The whole handshake with one server."""
    answer = app.federation.make_join(server, room_id, draft.sender, list(ROOM_VERSIONS))
    event = template.own_event(app, server, answer, draft, room_id)
    version = event.room_version
    may_lack_members = _may_lack_members(app, room_id)

    def take(answer: Mapping[str, Any]) -> tuple[int, bool]:
        if answer.get("members_omitted") is True and not may_lack_members:
            raise BadAnswer(server, "it leaves out the members, which nobody asked for")
        joins = app.part(Joins, Joins)
        with joins.reading(answer):
            told = taking_in.read(app, server, room_id, version, answer)
            signed = _signed_by_resident(app, server, event, version, answer)
            told = taking_in.with_cited(app, server, told, signed)
            with joins.taking_in:
                return taking_in.take_in(app, server, told, signed), told.lacks_members

    room_nid, lacks_members = app.federation.send_join_v2(
        server, room_id, event.event_id, event.pdu, omit_members=may_lack_members, take=take
    )
    if lacks_members:
        completion.begin(app, room_nid)
    return event.event_id


def _may_lack_members(app: App, room_id: str) -> bool:
    """Whether the members may be told later: not of a room that is known from before, whose state
    would be half of then and half of now; nor where it is to be seen whether the room is too large.
    """
    if not app.config.soma.federation.omit_members or app.config.limit_remote_rooms.enabled:
        return False
    with app.database.read() as txn:
        return room_reading.find(app, txn, room_id) is None


def _signed_by_resident(
    app: App, server: str, event: Event, version: RoomVersion, answer: Mapping[str, Any]
) -> Event:
    """Our event with the signature of who vouches for the join, if somebody has to."""
    returned = answer.get("event")
    if template.VOUCHER not in event.content or not isinstance(returned, dict):
        return event
    signed = receive_pdu.read_pdus(app, [returned], version, event.room_id)[0]
    if not isinstance(signed, Event) or signed.event_id != event.event_id:
        raise BadAnswer(server, "the event that it returns is not the one that it was sent")
    return signed
