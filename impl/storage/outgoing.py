"""What other servers are to be told, in the order of the stream. Tables: timeline, receipts,
typing, presence, device_list_changes, outgoing_to_device.

Each kind is read by an index on its positions, so that a window costs what is in it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

EVENT = "event"
RECEIPT = "receipt"
TYPING = "typing"
PRESENCE = "presence"
DEVICE = "device"
TO_DEVICE = "to_device"

# All that a server that was away is still told.
DURABLE = frozenset({EVENT, DEVICE, TO_DEVICE})


class StreamRow(NamedTuple):
    """`subject` is a user; of an event the server that it puts out, of a to-device message the
    one that it is for. `detail`: the event that a receipt names, the device, the EDU. `number`: the
    root of the room's state, the time of a receipt, until when somebody types, the change of
    devices before.
    """

    position: int
    kind: str
    room_nid: int
    event_nid: int
    subject: str
    detail: str
    thread_id: str
    number: int


# How many there are of ours is known by the histogram where LIKE asks; server names hold nothing
# that LIKE takes for something else.
_EVENTS = """
    SELECT position, 'event' AS kind, room_nid, event_nid,
           COALESCE(parting_server, '') AS subject, '' AS detail, '' AS thread_id,
           current_state_root AS number
      FROM timeline
     WHERE is_outgoing
       AND position > %(after)s
       AND position <= %(up_to)s
"""
_DEVICES = """
    SELECT position, 'device' AS kind, 0 AS room_nid, 0 AS event_nid, user_id AS subject,
           device_id AS detail, '' AS thread_id, COALESCE(prev_position, 0) AS number
      FROM device_list_changes
     WHERE position > %(after)s
       AND position <= %(up_to)s
       AND user_id LIKE %(ours)s
"""
_TO_DEVICE = """
    SELECT position, 'to_device', 0, 0, destination, edu, '', 0
      FROM outgoing_to_device
     WHERE position > %(after)s
       AND position <= %(up_to)s
"""
_RECEIPTS = """
    SELECT r.position, 'receipt', r.room_nid, 0, r.user_id, r.event_id, r.thread_id, r.received_ts
      FROM receipts r
     WHERE r.position > %(after)s
       AND r.position <= %(up_to)s
       AND r.receipt_type = 'm.read'
       AND r.user_id LIKE %(ours)s
       AND (SELECT has_other_servers FROM rooms WHERE rooms.room_nid = r.room_nid)
"""
_TYPING = """
    SELECT t.position, 'typing', t.room_nid, 0, t.user_id, '', '', t.until_ts
      FROM typing t
     WHERE t.position > %(after)s
       AND t.position <= %(up_to)s
       AND t.user_id LIKE %(ours)s
       AND (SELECT has_other_servers FROM rooms WHERE rooms.room_nid = t.room_nid)
"""
_PRESENCE = """
    SELECT position, 'presence', 0, 0, user_id, '', '', 0
      FROM presence
     WHERE position > %(after)s
       AND position <= %(up_to)s
       AND user_id LIKE %(ours)s
"""
# Each kind as far as it may be needed, so that all are read in the order of their indexes.
_FIRST = " ORDER BY position LIMIT %(limit)s"


def _first_of(*kinds: str) -> str:
    return " UNION ALL ".join(f"({kind}{_FIRST})" for kind in kinds) + _FIRST


_LONG_LIVED = _first_of(_EVENTS, _DEVICES, _TO_DEVICE)
_ALL = _first_of(_EVENTS, _DEVICES, _TO_DEVICE, _RECEIPTS, _TYPING, _PRESENCE)


def list_window(txn: Any, after: int, up_to: int, server_name: str, limit: int) -> list[StreamRow]:
    """The first rows of a window: what is made here, of users of `server_name`."""
    return _list(txn, _ALL, after, up_to, server_name, limit)


def list_durable(txn: Any, after: int, up_to: int, server_name: str, limit: int) -> list[StreamRow]:
    """The same without what is of no use to who was away."""
    return _list(txn, _LONG_LIVED, after, up_to, server_name, limit)


def _list(
    txn: Any, sql: str, after: int, up_to: int, server_name: str, limit: int
) -> list[StreamRow]:
    txn.execute(sql, {"after": after, "up_to": up_to, "ours": "%:" + server_name, "limit": limit})
    return [StreamRow(*row) for row in txn.fetchall()]


class MissedEvent(NamedTuple):
    """The newest event of a room that a server has not been told of."""

    room_nid: int
    position: int
    event_nid: int


def count_after(txn: Any, after: int, limit: int) -> int:
    """How many events for others stand behind a position, as far as the limit."""
    txn.execute(
        """
        SELECT count(*)
          FROM (SELECT
                  FROM timeline
                 WHERE is_outgoing
                   AND position > %s
                 LIMIT %s) AS waiting
        """,
        (after, limit),
    )
    count: int = txn.fetchone()[0]
    return count


def list_missed_rooms(
    txn: Any, server_name: str, after: int, up_to: int, after_room: int, limit: int
) -> list[MissedEvent]:
    """Of the rooms that a server is in, the newest event of ours in a window each, in the order of
    the rooms' numbers, after one.
    """
    txn.execute(
        """
        SELECT s.room_nid, t.position, t.event_nid
          FROM room_servers s
         CROSS JOIN LATERAL (
                SELECT position, event_nid
                  FROM timeline
                 WHERE timeline.room_nid = s.room_nid
                   AND is_outgoing
                   AND position > %s
                   AND position <= %s
                 ORDER BY position DESC
                 LIMIT 1) AS t
         WHERE s.server_name = %s
           AND s.room_nid > %s
         ORDER BY s.room_nid
         LIMIT %s
        """,
        (after, up_to, server_name, after_room, limit),
    )
    return [MissedEvent(*row) for row in txn.fetchall()]


def list_partings(txn: Any, server_name: str, after: int, up_to: int) -> list[MissedEvent]:
    """The events in a window by which users of a server were put out of rooms."""
    txn.execute(
        """
        SELECT room_nid, position, event_nid
          FROM timeline
         WHERE parting_server = %s
           AND position > %s
           AND position <= %s
         ORDER BY position
         LIMIT 1000
        """,
        (server_name, after, up_to),
    )
    return [MissedEvent(*row) for row in txn.fetchall()]


def list_missed_devices(
    txn: Any, destination: str, after: int, up_to: int, server_name: str, limit: int
) -> list[StreamRow]:
    """The changes in a window of devices of our users who are in a room with a server."""
    txn.execute(
        f"""
        SELECT *
          FROM ({_DEVICES}) AS changed
         WHERE EXISTS (SELECT
                         FROM room_members m
                         JOIN room_servers s USING (room_nid)
                        WHERE m.user_id = changed.subject
                          AND m.membership = 'join'
                          AND s.server_name = %(destination)s)
         ORDER BY position
         LIMIT %(limit)s
        """,
        {
            "after": after,
            "up_to": up_to,
            "ours": "%:" + server_name,
            "destination": destination,
            "limit": limit,
        },
    )
    return [StreamRow(*row) for row in txn.fetchall()]


def get_last_device(txn: Any, user_id: str) -> StreamRow | None:
    """The last change of a user's devices."""
    txn.execute(
        """
        SELECT position, 'device', 0, 0, user_id, device_id, '', COALESCE(prev_position, 0)
          FROM device_list_changes
         WHERE user_id = %s
           AND device_id <> ''
         ORDER BY position DESC
         LIMIT 1
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return StreamRow(*row) if row else None


def list_typing(txn: Any, now_ms: int, server_name: str) -> list[StreamRow]:
    """Our users who are typing in rooms with other servers."""
    txn.execute(
        """
        SELECT t.position, 'typing', t.room_nid, 0, t.user_id, '', '', t.until_ts
          FROM typing t
          JOIN rooms USING (room_nid)
         WHERE t.until_ts > %(now_ms)s
           AND t.until_ts > 0
           AND t.user_id LIKE %(ours)s
           AND rooms.has_other_servers
        """,
        {"now_ms": now_ms, "ours": "%:" + server_name},
    )
    return [StreamRow(*row) for row in txn.fetchall()]


def list_present(txn: Any, server_name: str) -> list[str]:
    """Our users who are not offline."""
    txn.execute(
        """
        SELECT user_id
          FROM presence
         WHERE state <> 'offline'
           AND user_id LIKE %(ours)s
        """,
        {"ours": "%:" + server_name},
    )
    return [row[0] for row in txn.fetchall()]


class DeviceNow(NamedTuple):
    """A device that is there. `key_json`: its identity keys, if it has any."""

    key_json: str | None
    display_name: str | None


def list_devices(txn: Any, devices: Sequence[tuple[str, str]]) -> dict[tuple[str, str], DeviceNow]:
    """Those of the devices, (user_id, device_id), that are there."""
    txn.execute(
        """
        SELECT user_id, device_id, k.key_json, d.display_name
          FROM unnest(%s::text[], %s::text[]) AS wanted (user_id, device_id)
          JOIN devices d USING (user_id, device_id)
          LEFT JOIN device_keys k USING (user_id, device_id)
        """,
        ([user_id for user_id, _ in devices], [device_id for _, device_id in devices]),
    )
    return {(row[0], row[1]): DeviceNow(row[2], row[3]) for row in txn.fetchall()}


def list_to_device(
    txn: Any, destination: str, after: int, up_to: int, limit: int
) -> list[StreamRow]:
    """To-device messages that wait for a server."""
    txn.execute(
        """
        SELECT position, 'to_device', 0, 0, destination, edu, '', 0
          FROM outgoing_to_device
         WHERE destination = %s
           AND position > %s
           AND position <= %s
         ORDER BY position
         LIMIT %s
        """,
        (destination, after, up_to, limit),
    )
    return [StreamRow(*row) for row in txn.fetchall()]


def put_to_device(txn: Any, edus: Sequence[tuple[str, str]], queued_ts: int) -> None:
    """(destination, EDU as JSON) of to-device messages; with the COMMIT."""
    txn.allot(
        """
        INSERT INTO outgoing_to_device (destination, position, edu, queued_ts)
             SELECT destination, nextval('stream_positions'), edu, %s
               FROM unnest(%s::text[], %s::text[]) AS new (destination, edu)
        """,
        (queued_ts, [one[0] for one in edus], [one[1] for one in edus]),
    )


def delete_to_device(txn: Any, destination: str, positions: Sequence[int]) -> None:
    """Those that the server has."""
    txn.execute(
        """
        DELETE FROM outgoing_to_device
         WHERE destination = %s
           AND position = ANY(%s)
        """,
        (destination, list(positions)),
    )


def delete_old_to_device(txn: Any, before_ts: int, limit: int) -> int:
    """Those that have waited since before a time; returns how many."""
    txn.execute(
        """
        DELETE FROM outgoing_to_device
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM outgoing_to_device
                                 WHERE queued_ts < %s
                                 ORDER BY queued_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount


def count_all_to_device(txn: Any) -> int:
    txn.execute("SELECT count(*) FROM outgoing_to_device")
    return txn.fetchone()[0]


def summarize_to_device(txn: Any, destination: str) -> tuple[int, int | None]:
    """How many wait for a server, and since when the oldest does."""
    txn.execute(
        """
        SELECT count(*), min(queued_ts)
          FROM outgoing_to_device
         WHERE destination = %s
        """,
        (destination,),
    )
    return txn.fetchone()


def summarize_missed(txn: Any, server_name: str, after: int) -> tuple[int, int | None]:
    """In how many rooms a server has missed events of ours since a position, and when the oldest
    of these was sent.
    """
    txn.execute(
        """
        SELECT count(*), min(e.origin_server_ts)
          FROM room_servers s
         CROSS JOIN LATERAL (
                SELECT event_nid
                  FROM timeline
                 WHERE timeline.room_nid = s.room_nid
                   AND is_outgoing
                   AND position > %s
                 ORDER BY position
                 LIMIT 1) AS t
          JOIN events e USING (room_nid, event_nid)
         WHERE s.server_name = %s
        """,
        (after, server_name),
    )
    return txn.fetchone()
