"""Whom one user may find: the names that users are found by, and the rooms that all the world may
enter or read. Tables: users, room_members, rooms.

Our users are found by their profiles, others by what they call themselves in the rooms in which the
searcher may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.core import name_search
from impl.core.name_search import Wanted


@dataclass(frozen=True, slots=True)
class Found:
    user_id: str
    # Of ours None: it stands in the profile.
    display_name: str | None
    avatar_url: str | None
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """Of the configuration."""

    with_all_of_ours: bool
    with_remote: bool
    with_locked: bool
    is_ours_first: bool


def put_name(txn: Any, user_id: str, display_name: str | None) -> None:
    """What one of our users is found by."""
    found = name_search.searchable(user_id, display_name)
    txn.execute(
        """
        UPDATE users
           SET search_name = %s,
               search_grams = %s::text[]
         WHERE user_id = %s
        """,
        (found.text, list(found.grams), user_id),
    )


def put_names_in_room(
    txn: Any, room_nid: int, names: Sequence[tuple[str, int, str | None]]
) -> None:
    """What other servers' users in a room are found by, with the COMMIT: (user_id, event_nid of
    the membership that says so, display name).
    """
    txn.values_with_commit(
        f"""
        UPDATE room_members m
           SET search_name = v.search_name,
               search_grams = v.search_grams
          FROM (VALUES %s) AS v (user_id, event_nid, search_name, search_grams)
         WHERE m.room_nid = {int(room_nid)}
           AND m.user_id = v.user_id
           AND m.event_nid = v.event_nid
        """,
        [
            (user_id, event_nid, found.text, list(found.grams))
            for user_id, event_nid, name in names
            for found in [name_search.searchable(user_id, name)]
        ],
        "(%s, %s, %s, %s::text[])",
    )


def put_join_rule(txn: Any, room_nid: int, join_rule: str | None) -> None:
    """With the COMMIT."""
    txn.with_commit("UPDATE rooms SET join_rule = %s WHERE room_nid = %s", (join_rule, room_nid))


def put_history_visibility(txn: Any, room_nid: int, visibility: str | None) -> None:
    """With the COMMIT."""
    txn.with_commit(
        "UPDATE rooms SET history_visibility = %s WHERE room_nid = %s", (visibility, room_nid)
    )


# C-S API, "searchUserDirectory": a room that both are in, or that anybody may enter or read. Once
# all of ours have left it, what is known of a room is old.
_IS_VISIBLE_ROOM = """
    (m.room_nid = ANY(%(room_nids)s)
     OR EXISTS (SELECT 1
                  FROM rooms r
                 WHERE r.room_nid = m.room_nid
                   AND (r.join_rule = 'public' OR r.history_visibility = 'world_readable')
                   AND EXISTS (SELECT 1
                                 FROM membership_changes c
                                 JOIN room_members o USING (room_nid, user_id)
                                WHERE c.room_nid = r.room_nid
                                  AND o.membership = 'join')))
"""

# Ours and others, each of them once; the best first.
_SEARCH = f"""
    WITH found AS (
        SELECT u.user_id, NULL AS display_name, NULL AS avatar_url, TRUE AS is_ours,
               u.search_name,
               EXISTS (SELECT 1
                         FROM profile_fields f
                        WHERE f.user_id = u.user_id) AS has_profile
          FROM users u
         WHERE u.search_grams @> %(grams)s::text[]
           AND u.search_name LIKE ALL(%(parts)s::text[])
           AND lower(u.user_id) LIKE ALL(%(ids)s::text[])
           AND u.user_id <> %(user_id)s
           AND NOT u.is_deactivated
           AND (%(with_locked)s OR NOT u.is_locked)
           AND (%(with_all_of_ours)s
                OR EXISTS (SELECT 1
                             FROM room_members m
                            WHERE m.user_id = u.user_id
                              AND m.membership = 'join'
                              AND {_IS_VISIBLE_ROOM}))
        UNION ALL
        (SELECT DISTINCT ON (m.user_id)
                m.user_id, m.display_name, m.avatar_url, FALSE, m.search_name,
                m.display_name IS NOT NULL OR m.avatar_url IS NOT NULL
           FROM room_members m
          WHERE %(with_remote)s
            AND m.search_grams @> %(grams)s::text[]
            AND m.search_name LIKE ALL(%(parts)s::text[])
            AND lower(m.user_id) LIKE ALL(%(ids)s::text[])
            AND m.membership = 'join'
            AND {_IS_VISIBLE_ROOM}
          ORDER BY m.user_id, m.event_nid DESC)
    )
    SELECT user_id, display_name, avatar_url, is_ours
      FROM found
     ORDER BY search_name LIKE %(localpart)s OR search_name LIKE %(name)s DESC,
              %(is_ours_first)s AND is_ours DESC,
              search_name LIKE ALL(%(beginnings)s::text[]) DESC,
              has_profile DESC,
              user_id
     LIMIT %(limit)s
"""


def search(
    txn: Any, user_id: str, room_nids: Sequence[int], wanted: Wanted, rules: Rules, limit: int
) -> list[Found]:
    """The best matches, at most `limit`. `room_nids`: the rooms that the user is in."""
    whole = _escaped(" ".join(wanted.words))
    txn.execute(
        _SEARCH,
        {
            "user_id": user_id,
            "room_nids": list(room_nids),
            "grams": list(wanted.grams),
            "parts": [f"%{_escaped(word)}%" for word in wanted.words],
            "beginnings": [f"% {_escaped(word)}%" for word in wanted.words],
            "ids": [f"{_escaped(one)}%" for one in wanted.ids],
            "localpart": f" {whole}\n%",
            "name": f"%\n {whole}",
            "with_locked": rules.with_locked,
            "with_all_of_ours": rules.with_all_of_ours,
            "with_remote": rules.with_remote,
            "is_ours_first": rules.is_ours_first,
            "limit": limit,
        },
    )
    return [Found(*row) for row in txn.fetchall()]


def _escaped(text: str) -> str:
    """For LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
