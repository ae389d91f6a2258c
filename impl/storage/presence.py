"""Who is online, as others were last told. Table: presence.

A row is written when what is told changes, and then gets a position."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.core.presence import Presence


@dataclass(frozen=True, slots=True)
class Row:
    """A user's presence, with what of the profile is told beside it."""

    user_id: str
    presence: Presence
    position: int
    display_name: str | None
    avatar_url: str | None


_PRESENCE = "p.state, p.status_msg, p.last_active_ts, p.is_currently_active"
# Whether the user is in one of the rooms.
_IS_IN_ROOMS = """
    EXISTS (SELECT 1
              FROM room_members m
             WHERE m.user_id = p.user_id
               AND m.membership = 'join'
               AND m.room_nid = ANY(%(room_nids)s))
"""


def get_for_update(txn: Any, user_id: str) -> Presence | None:
    txn.execute(
        f"""
        SELECT {_PRESENCE}
          FROM presence p
         WHERE user_id = %s
           FOR UPDATE
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return Presence(*row) if row else None


def get_many(txn: Any, user_ids: Sequence[str]) -> dict[str, Row]:
    """Of those who have one."""
    txn.execute(
        f"""
        SELECT {_PRESENCE}, p.user_id, p.position,
               (SELECT value FROM profile_fields f
                 WHERE f.user_id = p.user_id AND key_name = 'displayname'),
               (SELECT value FROM profile_fields f
                 WHERE f.user_id = p.user_id AND key_name = 'avatar_url')
          FROM presence p
         WHERE user_id = ANY(%s)
        """,
        (list(user_ids),),
    )
    found: dict[str, Row] = {}
    for *presence, user_id, position, display_name, avatar_url in txn.fetchall():
        texts = [_text(display_name), _text(avatar_url)]
        found[user_id] = Row(user_id, Presence(*presence), position, *texts)
    return found


def _text(value: str | None) -> str | None:
    found = None if value is None else json.loads(value)
    return found if isinstance(found, str) else None


def put(txn: Any, user_id: str, presence: Presence) -> None:
    """Written with the COMMIT; others are told."""
    txn.allot(
        """
        INSERT INTO presence (user_id, state, status_msg, last_active_ts, is_currently_active,
                              position)
             VALUES (%s, %s, %s, %s, %s, nextval('stream_positions'))
        ON CONFLICT (user_id) DO UPDATE
                SET state = EXCLUDED.state,
                    status_msg = EXCLUDED.status_msg,
                    last_active_ts = EXCLUDED.last_active_ts,
                    is_currently_active = EXCLUDED.is_currently_active,
                    position = EXCLUDED.position
        """,
        (
            user_id,
            presence.state,
            presence.status_msg,
            presence.last_active_ts,
            presence.is_currently_active,
        ),
    )


def put_told(txn: Any, user_id: str, presence: Presence, heard_ts: int) -> None:
    """That of another server's user. Written with the COMMIT; ours are told."""
    put(txn, user_id, presence)
    txn.allot(
        """
        UPDATE presence
           SET heard_ts = %s
         WHERE user_id = %s
        """,
        (heard_ts, user_id),
    )


def put_heard(txn: Any, user_id: str, heard_ts: int) -> None:
    """Another server's user is still what they were."""
    txn.execute(
        """
        UPDATE presence
           SET heard_ts = %s
         WHERE user_id = %s
        """,
        (heard_ts, user_id),
    )


def list_silent(txn: Any, before_ts: int, limit: int) -> list[str]:
    """Other servers' users who are not offline, as far as we were told, but that was before."""
    txn.execute(
        """
        SELECT user_id
          FROM presence
         WHERE heard_ts < %s
           AND state <> 'offline'
         ORDER BY heard_ts
         LIMIT %s
        """,
        (before_ts, limit),
    )
    return [row[0] for row in txn.fetchall()]


def list_in_rooms(txn: Any, user_ids: Sequence[str]) -> set[str]:
    """Those of some users who are in a room that we know."""
    txn.execute(
        """
        SELECT DISTINCT user_id
          FROM room_members
         WHERE user_id = ANY(%s)
           AND membership = 'join'
        """,
        (list(user_ids),),
    )
    return {row[0] for row in txn.fetchall()}


def tell_again(txn: Any, user_id: str) -> None:
    """Others are told of a row that is there, with the COMMIT: of what is told beside it."""
    txn.allot(
        """
        UPDATE presence
           SET position = nextval('stream_positions')
         WHERE user_id = %s
        """,
        (user_id,),
    )


def delete(txn: Any, user_id: str) -> None:
    """Of a user who is gone: nobody is told."""
    txn.execute(
        """
        DELETE FROM presence
         WHERE user_id = %s
        """,
        (user_id,),
    )


def list_present(txn: Any, after: str, limit: int) -> list[tuple[str, Presence, int]]:
    """Users of ours who are not offline, in the order of their ids, after one: (user_id, presence,
    when one of their devices was last seen).
    """
    txn.execute(
        f"""
        SELECT {_PRESENCE}, p.user_id,
               COALESCE((SELECT max(last_seen_ts) FROM devices d WHERE d.user_id = p.user_id), 0)
          FROM presence p
         WHERE p.state <> 'offline'
           AND p.heard_ts IS NULL
           AND p.user_id > %s
         ORDER BY p.user_id
         LIMIT %s
        """,
        (after, limit),
    )
    return [(user_id, Presence(*row), seen) for *row, user_id, seen in txn.fetchall()]


def list_present_in(
    txn: Any, room_nids: Sequence[int], up_to: int, *, with_offline: bool = False
) -> list[str]:
    """Those in the rooms who are not offline, in the order in which that was told."""
    txn.execute(
        f"""
        SELECT p.user_id
          FROM presence p
         WHERE (%(with_offline)s OR p.state <> 'offline')
           AND p.position <= %(up_to)s
           AND {_IS_IN_ROOMS}
         ORDER BY p.position
        """,
        {"room_nids": list(room_nids), "up_to": up_to, "with_offline": with_offline},
    )
    return [row[0] for row in txn.fetchall()]


def list_changed_in(txn: Any, room_nids: Sequence[int], since: int, up_to: int) -> list[str]:
    """Those in the rooms of whom something was told in (since, up_to], in that order."""
    txn.execute(
        f"""
        SELECT p.user_id
          FROM presence p
         WHERE p.position > %(since)s
           AND p.position <= %(up_to)s
           AND {_IS_IN_ROOMS}
         ORDER BY p.position
        """,
        {"room_nids": list(room_nids), "since": since, "up_to": up_to},
    )
    return [row[0] for row in txn.fetchall()]


def share_a_room(txn: Any, user_id: str, other: str) -> bool:
    txn.execute(
        """
        SELECT EXISTS (SELECT 1
                         FROM room_members a
                         JOIN room_members b USING (room_nid)
                        WHERE a.user_id = %s
                          AND a.membership = 'join'
                          AND b.user_id = %s
                          AND b.membership = 'join')
        """,
        (user_id, other),
    )
    return txn.fetchone()[0]
