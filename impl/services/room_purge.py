"""Deleting a room with all that is known of it.

Theory. First the room is closed: in one transaction its row goes, under its lock, and what leads to
it: memberships, aliases, its place in the directory. From then on nobody finds it; workers that
remember it hear of it as of any news (storage/notifier.py), and until they have, the room's lock
tells them. Then the rest goes, in batches, in no hurry: no number of the room is ever used again.

Requests that were under way may write a receipt or the like after all, and whoever purges may be
killed. So a job sweeps once more, when all that were under way have ended
(jobs/purged_rooms.py).

What is kept is the room's id and who of our users knew it, so that their clients hear that they
have left, whenever they next ask (sync/gone_rooms.py)."""

import logging
from collections.abc import Iterator

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import membership
from impl.storage import memberships, room_purge
from impl.storage.memberships import Member
from impl.storage.room_purge import PurgedRoom

BATCH_ROWS = 2_000
ACCOUNT_DATA = "account_data"
# Who is made to leave may come back at once, while the door is open.
ATTEMPTS = 5
# Longer than any request takes.
SWEEP_AFTER_MS = 600_000

_log = logging.getLogger(__name__)


def purge(app: App, room_id: str, *, is_forced: bool = False) -> dict[str, int]:
    """Delete the room; returns table -> how many rows it had.

    Users of ours who are invited or knock are out from then on; those who are in the room are made
    to leave if `is_forced`. Raises NotFound for a room that is not here, and BadState while users
    of ours are in it."""
    for _ in range(ATTEMPTS - 1):
        present = _present(app, room_id)
        _refuse_joined(present, is_forced)
        for member in present:
            _let_leave(app, room_id, member.user_id)
        if not _present(app, room_id):
            break
    room, counts = _close(app, room_id, is_forced)
    for table, rows in sweep(app, room):
        counts[table] = counts.get(table, 0) + rows
    return counts


def sweep(app: App, room: PurgedRoom) -> Iterator[tuple[str, int]]:
    """Delete what there is of a closed room; (table, rows) after each batch."""
    with app.database.read() as txn:
        tables = room_purge.list_tables(txn)
    for table in (*tables, ACCOUNT_DATA):
        rows = BATCH_ROWS
        while rows == BATCH_ROWS:
            with app.database.transaction() as txn:
                if table == ACCOUNT_DATA:
                    rows = room_purge.delete_account_data(txn, room.room_id, BATCH_ROWS)
                else:
                    rows = room_purge.delete_rows(txn, table, room.room_nid, BATCH_ROWS)
            yield table, rows


def next_to_sweep(app: App) -> PurgedRoom | None:
    """A room that is to be swept once more."""
    with app.database.read() as txn:
        return room_purge.get_unswept(txn, app.now_ms() - SWEEP_AFTER_MS)


def finish(app: App, room: PurgedRoom) -> None:
    """The room was swept: there is no more to do for it."""
    with app.database.transaction() as txn:
        room_purge.put_swept(txn, room.room_nid)


def _present(app: App, room_id: str) -> list[Member]:
    with app.database.read() as txn:
        room = app.rooms.get(txn, room_id)
        if room is None:
            raise errors.NotFound("this server does not know the room")
        return memberships.list_of_server(txn, room.room_nid, app.server_name, membership.PRESENT)


def _refuse_joined(present: list[Member], is_forced: bool) -> None:
    joined = sum(one.membership == "join" for one in present)
    if joined and not is_forced:
        raise errors.BadState(f"the room cannot be purged: {joined} users of this server are in it")


def _let_leave(app: App, room_id: str, user_id: str) -> None:
    try:
        membership.leave(app, Requester(user_id, None), room_id)
    except errors.MatrixError as error:
        # Then the room goes without it.
        _log.info("%s could not leave %s: %s", user_id, room_id, error)


def _close(app: App, room_id: str, is_forced: bool) -> tuple[PurgedRoom, dict[str, int]]:
    with app.database.transaction() as txn:
        room_nid = room_purge.lock(txn, room_id)
        if room_nid is None:
            raise errors.NotFound("this server does not know the room")
        present = memberships.list_of_server(txn, room_nid, app.server_name, ("join",))
        _refuse_joined(present, is_forced)
        room = PurgedRoom(room_nid, room_id)
        counts = room_purge.close(txn, room, app.now_ms())
    app.rooms.forget(room_nid)
    return room, counts
