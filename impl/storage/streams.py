"""The one stream: positions, how they are allotted, and how far a reader may read.

Whatever a client or a server can be told of has a position from one sequence. A sequence alone is
not enough: transactions commit in another order than they drew their numbers, and a reader that
goes by the greatest number it saw would skip what commits later with a smaller one. So positions
are drawn under an advisory lock that is held until the end of the transaction: what is committed
has no gaps that may still fill. It costs little, because it is taken in the last round trip,
together with the COMMIT (Database.Transaction.allot); everything slow has been done by then.

Positions go up for ever, but a database may forget: a replica that is promoted, or a backup that is
restored, may lack the newest commits, and would allot their positions a second time, below tokens
that clients hold. So the first connection after the database was started, promoted or restored
moves the sequence on by 2^32."""

from typing import Any, NamedTuple

from impl.storage.prepared import Prepared

LOCK_KEY = 0x736F6D61  # "soma"
LOCK = f"SELECT pg_advisory_xact_lock({LOCK_KEY})"
CHANNEL = "soma_stream"
EPOCH_STEP = 1 << 32
NEWS_MAX = 5000
POSITION_MAX = (1 << 63) - 1


# After the commit, and so in a transaction of its own: NOTIFY inside of the one that drew positions
# would make commits wait for each other. They are those that the same connection drew.
PUBLISH = (
    f"SELECT pg_notify('{CHANNEL}', currval('stream_positions')::text), currval('stream_positions')"
)


def publish(cursor: Any) -> int:
    """Tell all workers how far the stream goes now; returns that position, the last this connection
    drew.
    """
    cursor.execute(PUBLISH)
    return published(cursor)


def published(cursor: Any) -> int:
    """What PUBLISH has told, where it was sent with something else."""
    position: int = cursor.fetchone()[1]
    return position


def current(txn: Any) -> int:
    """The newest position that is committed: a reader may read up to it, and will miss nothing
    below.
    """
    txn.execute(
        """
        SELECT greatest(
            (SELECT max(position) FROM timeline),
            (SELECT max(position) FROM receipts),
            (SELECT max(position) FROM typing),
            (SELECT max(position) FROM account_data),
            (SELECT max(position) FROM to_device_messages),
            (SELECT max(position) FROM device_list_changes),
            (SELECT max(position) FROM user_signatures),
            (SELECT max(position) FROM presence),
            (SELECT max(position) FROM purged_rooms),
            (SELECT max(position) FROM out_of_band_memberships),
            (SELECT max(position) FROM outgoing_to_device),
            (SELECT max(position) FROM changed_events),
            0
        )
        """
    )
    return txn.fetchone()[0]


class NewsRow(NamedTuple):
    """Something that moved. It has a room, whose members are told, or a user, who is told.
    Memberships of a room, and no user: it is gone, and all of them with it.
    """

    position: int
    room_nid: int | None
    user_id: str | None
    changes_nid: int | None
    parent_nid: int | None
    is_membership: bool
    # Whose receipt it is; which account data; whose presence or keys, which have neither room nor
    # user.
    about: str | None
    # Other servers may have to be told of it.
    is_outgoing: bool
    # Keys: those of `about`, or, with a user, those that the user signed.
    of_devices: bool

    @property
    def is_gone(self) -> bool:
        """Whether messages of the room were deleted (history.tell_gone)."""
        return self.changes_nid is not None and self.changes_nid == self.parent_nid


# Each commit has every process read it. Memberships beside the graph are among the changes as well.
NEWS = Prepared(
    "news",
    "bigint, bigint",
    f"""
    SELECT moved.*, FALSE
      FROM (
            SELECT position, room_nid, NULL AS user_id, changes_nid, parent_nid, FALSE,
                   NULL AS about, is_outgoing OR is_arrival
              FROM timeline
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, NULL, user_id, NULL, NULL, TRUE, NULL, FALSE
              FROM membership_changes
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, room_nid, NULL, NULL, NULL, FALSE, user_id, TRUE FROM receipts
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, room_nid, NULL, NULL, NULL, FALSE, NULL, TRUE FROM typing
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, NULL, user_id, NULL, NULL, FALSE, type, FALSE
              FROM account_data
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, NULL, user_id, NULL, NULL, FALSE, NULL, FALSE
              FROM (SELECT DISTINCT position, user_id
                      FROM to_device_messages
                     WHERE position > $1 AND position <= $2) AS addressees
            UNION ALL
            SELECT position, NULL, NULL, NULL, NULL, FALSE, user_id, TRUE FROM presence
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, room_nid, NULL, NULL, NULL, TRUE, NULL, FALSE FROM purged_rooms
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, NULL, user_id, NULL, NULL, TRUE, NULL, FALSE
              FROM purged_memberships
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, NULL, NULL, NULL, NULL, FALSE, NULL, TRUE FROM outgoing_to_device
             WHERE position > $1 AND position <= $2
            UNION ALL
            SELECT position, CASE WHEN wakes THEN room_nid END, NULL, changes_nid, parent_nid,
                   FALSE, NULL, FALSE
              FROM changed_events
             WHERE position > $1 AND position <= $2) AS moved
    UNION ALL
    SELECT position, NULL, NULL, NULL, NULL, FALSE, user_id, TRUE, TRUE
      FROM device_list_changes
     WHERE position > $1 AND position <= $2
    UNION ALL
    SELECT position, NULL, user_id, NULL, NULL, FALSE, NULL, FALSE, TRUE
      FROM user_signatures
     WHERE position > $1 AND position <= $2
    ORDER BY position
    LIMIT {NEWS_MAX}
    """,
)


def list_news(txn: Any, after: int) -> list[NewsRow]:
    """What moved after a position, in order, at most NEWS_MAX rows."""
    txn.execute_prepared(NEWS, (after, POSITION_MAX))
    return [NewsRow(*row) for row in txn.fetchall()]


def ensure_epoch(cursor: Any, known: str) -> str:
    """Move the sequence on if this database was not seen before; returns what names its start."""
    cursor.execute(
        """
        SELECT pg_postmaster_start_time()::text,
               (SELECT timeline_id FROM pg_control_checkpoint()),
               (SELECT system_identifier::text FROM pg_control_system()),
               pg_is_in_recovery(),
               to_regclass('stream_epoch') IS NOT NULL
        """
    )
    *start, is_replica, has_schema = cursor.fetchone()
    name = "/".join(map(str, start))
    if name == known or is_replica or not has_schema:
        return name
    cursor.execute("BEGIN; " + LOCK)
    cursor.execute("SELECT started_at, timeline_id, system_identifier FROM stream_epoch")
    if cursor.fetchone() != tuple(start):
        cursor.execute(
            """
            INSERT INTO stream_epoch (started_at, timeline_id, system_identifier)
                 VALUES (%s, %s, %s)
            ON CONFLICT (only_row) DO UPDATE
                    SET started_at = EXCLUDED.started_at,
                        timeline_id = EXCLUDED.timeline_id,
                        system_identifier = EXCLUDED.system_identifier
            """,
            start,
        )
        cursor.execute(
            "SELECT setval('stream_positions', last_value + %s) FROM stream_positions",
            (EPOCH_STEP,),
        )
    cursor.execute("COMMIT")
    return name
