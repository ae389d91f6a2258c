"""Which keys of an event survive a redaction. Rooms, "Redactions" of each version."""

from typing import Any

from impl.core.room_version import RoomVersion

_TOP = frozenset(
    {
        "event_id",
        "type",
        "room_id",
        "sender",
        "state_key",
        "content",
        "hashes",
        "signatures",
        "depth",
        "prev_events",
        "auth_events",
        "origin_server_ts",
    }
)
# Until version 10.
_TOP_OLD = _TOP | {"prev_state", "origin", "membership"}

_LEVELS = frozenset(
    {
        "ban",
        "events",
        "events_default",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    }
)


def redact(pdu: dict[str, Any], room_version: RoomVersion) -> dict[str, Any]:
    """The event without what is not needed to keep the room together; a new dict."""
    top = _TOP if room_version.redaction_rules >= 11 else _TOP_OLD
    kept = {key: value for key, value in pdu.items() if key in top}
    content = pdu.get("content")
    kept["content"] = (
        _content(pdu.get("type"), content, room_version.redaction_rules)
        if isinstance(content, dict)
        else {}
    )
    return kept


def _content(event_type: object, content: dict[str, Any], rules: int) -> dict[str, Any]:
    if event_type == "m.room.create" and rules >= 11:
        return dict(content)
    keys = _keys(event_type, rules)
    kept = {key: value for key, value in content.items() if key in keys}
    if event_type == "m.room.member" and rules >= 11:
        invite = content.get("third_party_invite")
        if isinstance(invite, dict):
            kept["third_party_invite"] = {k: v for k, v in invite.items() if k == "signed"}
    return kept


def _keys(event_type: object, rules: int) -> frozenset[str]:
    if event_type == "m.room.member":
        authorised = {"join_authorised_via_users_server"} if rules >= 9 else set()
        return frozenset({"membership"} | authorised)
    if event_type == "m.room.create":
        return frozenset({"creator"})
    if event_type == "m.room.join_rules":
        return frozenset({"join_rule", "allow"} if rules >= 8 else {"join_rule"})
    if event_type == "m.room.power_levels":
        return _LEVELS | {"invite"} if rules >= 11 else _LEVELS
    if event_type == "m.room.history_visibility":
        return frozenset({"history_visibility"})
    if event_type == "m.room.aliases" and rules < 6:
        return frozenset({"aliases"})
    if event_type == "m.room.redaction" and rules >= 11:
        return frozenset({"redacts"})
    return frozenset()
