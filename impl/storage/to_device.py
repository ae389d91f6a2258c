"""Send-to-device messages that wait for their devices. Table: to_device_messages.

Whoever adds messages holds the devices' rows meanwhile, in the order in which a deletion takes
them: a device that is deleted at the same time is waited for before the stream lock is taken, not
under it, and takes all its messages along, with those that were just added."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

# What the devices of one request are, by user_id and device_id.
Address = tuple[str, str]


class Message(NamedTuple):
    """One that waits. `content` is JSON."""

    position: int
    sender: str
    type: str
    content: str


def lock_devices(txn: Any, addresses: Sequence[Address], user_ids: Sequence[str]) -> list[Address]:
    """Those of the devices that are there, and all devices of the users: none of them goes before
    the transaction ends.
    """
    txn.execute(
        """
        WITH wanted AS (
            SELECT user_id, device_id
              FROM unnest(%s::text[], %s::text[]) AS named (user_id, device_id)
             UNION
            SELECT user_id, device_id
              FROM devices
             WHERE user_id = ANY(%s::text[]))
        SELECT d.user_id, d.device_id
          FROM wanted
          JOIN devices d USING (user_id, device_id)
         ORDER BY d.user_id, d.device_id
           FOR KEY SHARE OF d
        """,
        (
            [user_id for user_id, _ in addresses],
            [device_id for _, device_id in addresses],
            list(user_ids),
        ),
    )
    return txn.fetchall()


def insert(
    txn: Any,
    sender: str,
    message_type: str,
    messages: Iterable[tuple[Address, str]],
    received_ts: int,
) -> None:
    """Messages to devices that are locked, each with its content as JSON; with the COMMIT, all at
    one position.
    """
    # One content for many devices goes over the wire once.
    numbers: dict[str, int] = {}
    rows = [
        (user_id, device_id, numbers.setdefault(content, len(numbers) + 1))
        for (user_id, device_id), content in messages
    ]
    if not rows:
        return
    user_ids, device_ids, content_numbers = zip(*rows, strict=True)
    txn.allot(
        """
        WITH place AS MATERIALIZED (SELECT nextval('stream_positions') AS position)
        INSERT INTO to_device_messages
               (user_id, device_id, position, sender, type, content, received_ts)
        SELECT new.user_id, new.device_id, place.position, %s, %s, contents.content, %s
          FROM unnest(%s::text[], %s::text[], %s::int[]) AS new (user_id, device_id, number)
          JOIN unnest(%s::text[]) WITH ORDINALITY AS contents (content, number) USING (number)
         CROSS JOIN place
        """,
        (
            sender,
            message_type,
            received_ts,
            list(user_ids),
            list(device_ids),
            list(content_numbers),
            list(numbers),
        ),
    )


def list_waiting(
    txn: Any, user_id: str, device_id: str, after: int, up_to: int, limit: int
) -> list[Message]:
    """The first of a device's messages in (after, up_to], in order of arrival."""
    txn.execute(
        """
        SELECT position, sender, type, content
          FROM to_device_messages
         WHERE user_id = %s
           AND device_id = %s
           AND position > %s
           AND position <= %s
         ORDER BY position
         LIMIT %s
        """,
        (user_id, device_id, after, up_to, limit),
    )
    return [Message(*row) for row in txn.fetchall()]


def delete_up_to(txn: Any, user_id: str, device_id: str, position: int) -> None:
    """Those that the device has. What somebody else deletes at the moment is left to them: nobody
    waits for this, so that nobody can wait in a circle.
    """
    txn.with_commit(
        """
        DELETE FROM to_device_messages
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM to_device_messages
                                 WHERE user_id = %s
                                   AND device_id = %s
                                   AND position <= %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (user_id, device_id, position),
    )


def delete_unread(txn: Any, idle_before_ts: int, any_before_ts: int, limit: int) -> int:
    """Messages that came before a time to devices that nobody has used since that time, and those
    that came before another, whoever they are for; returns how many. What is for a dehydrated
    device stays: nobody uses it before it is needed.
    """
    txn.execute(
        """
        DELETE FROM to_device_messages
         WHERE ctid = ANY(ARRAY(SELECT m.ctid
                                  FROM to_device_messages m
                                  JOIN devices d USING (user_id, device_id)
                                 WHERE m.received_ts < %(idle_before_ts)s
                                   AND (m.received_ts < %(any_before_ts)s
                                        OR greatest(d.last_seen_ts, d.created_ts)
                                           < %(idle_before_ts)s)
                                   AND NOT EXISTS (SELECT
                                                     FROM dehydrated_devices h
                                                    WHERE h.user_id = m.user_id
                                                      AND h.device_id = m.device_id)
                                 ORDER BY m.received_ts
                                 LIMIT %(limit)s
                                   FOR UPDATE OF m SKIP LOCKED))
        """,
        {"idle_before_ts": idle_before_ts, "any_before_ts": any_before_ts, "limit": limit},
    )
    return txn.rowcount
