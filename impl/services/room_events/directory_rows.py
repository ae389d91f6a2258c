"""What the user directory needs to know of a room: who may enter and read it, and what other
servers' users in it are called. C-S API, "User Directory".
"""

from collections.abc import Collection, Mapping, Sequence

from impl import breath
from impl.services.room_events.open_room import OpenRoom
from impl.storage import user_directory
from impl.storage.memberships import Member

AT_ONCE = 500

_COLUMNS = {
    ("m.room.join_rules", ""): ("join_rule", user_directory.put_join_rule),
    ("m.room.history_visibility", ""): (
        "history_visibility",
        user_directory.put_history_visibility,
    ),
}


def write(
    room: OpenRoom,
    changed: Mapping[tuple[str, str], int],
    gone: Collection[tuple[str, str]],
    members: Sequence[Member],
) -> None:
    """With the COMMIT, after the members. `changed` and `gone` are of the current state."""
    for key, (field, put) in _COLUMNS.items():
        if key in changed:
            content = room.events_by_nid([changed[key]])[changed[key]].content
            value = content.get(field)
            # PostgreSQL keeps no NUL in texts, and no rule that is known has one.
            is_text = isinstance(value, str) and "\0" not in value
            put(room.txn, room.room_nid, value if is_text else None)
        elif key in gone:
            put(room.txn, room.room_nid, None)
    _put_names(
        room,
        [(one.user_id, one.event_nid, one.display_name) for one in members if _is_in(one)],
    )


def forget_names(room: OpenRoom, memberships: Sequence[tuple[str, int]]) -> None:
    """(user_id, event_nid) of memberships that were redacted: the users are found by their ids."""
    _put_names(room, [(user_id, event_nid, None) for user_id, event_nid in memberships])


def _is_in(member: Member) -> bool:
    return member.membership == "join"


def _put_names(room: OpenRoom, names: Sequence[tuple[str, int, str | None]]) -> None:
    # Ours are found by their profiles.
    ending = ":" + room.app.server_name
    others = [one for one in names if not one[0].endswith(ending)]
    for start in range(0, len(others), AT_ONCE):
        if start:
            # A large room comes in one piece: the worker's other requests have their turn.
            breath.take()
        some = others[start : start + AT_ONCE]
        user_directory.put_names_in_room(room.txn, room.room_nid, some)
