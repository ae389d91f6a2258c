"""What clients may not put into state, though the rules of the room versions would let it pass.

Each of these would harm a room by mistake: a server ACL that shuts out its own author, power levels
that nobody can read. C-S API, "m.room.server_acl", "m.room.power_levels"; MSC1763."""

from collections.abc import Callable
from typing import Any

from impl import errors
from impl.app import App
from impl.core import canonical_json, identifiers, retention, server_acl
from impl.core.rejection import Malformed
from impl.services.media import avatar_limits

_LEVELS = (
    "ban",
    "events_default",
    "invite",
    "kick",
    "redact",
    "state_default",
    "users_default",
)


def check(app: App, event_type: str, state_key: str, content: dict[str, Any]) -> None:
    """Raises BadJson, InvalidParam, or Forbidden for an avatar that nobody may have here."""
    if not can_be_key(event_type, state_key):
        raise errors.InvalidParam("a type or a state key cannot hold a NUL character")
    if event_type == "m.room.member":
        check_member(content)
        avatar_limits.check(app, content.get("avatar_url"))
    if state_key == "" and (check_content := _CHECKS.get(event_type)):
        check_content(app, content)


def can_be_key(event_type: str, state_key: str) -> bool:
    """PostgreSQL keeps no NUL in texts."""
    return "\0" not in event_type and "\0" not in state_key


def check_member(content: dict[str, Any]) -> None:
    """The third-party invite that an invite names is looked up in the database."""
    invite = content.get("third_party_invite")
    signed = invite.get("signed") if isinstance(invite, dict) else None
    token = signed.get("token") if isinstance(signed, dict) else None
    if isinstance(token, str) and "\0" in token:
        raise errors.BadJson("third_party_invite.signed.token cannot hold a NUL character")


def check_power_levels(app: App, content: dict[str, Any]) -> None:
    for name in _LEVELS:
        if name in content and not _is_level(content[name]):
            raise errors.BadJson(f"{name} must be an integer")
    for name in ("events", "notifications", "users"):
        if name not in content:
            continue
        levels = content[name]
        if not isinstance(levels, dict) or not all(map(_is_level, levels.values())):
            raise errors.BadJson(f"{name} must be an object of integers")
    for user_id in content.get("users", ()):
        if not identifiers.is_user_id(user_id):
            raise errors.BadJson(f"users: {user_id!r} is not a user id")


def check_server_acl(app: App, content: dict[str, Any]) -> None:
    for name in ("allow", "deny"):
        patterns = content.get(name, [])
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            raise errors.BadJson(f"{name} must be a list of strings")
    if not isinstance(content.get("allow_ip_literals", True), bool):
        raise errors.BadJson("allow_ip_literals must be true or false")
    if not server_acl.is_allowed(app.server_name, content):
        raise errors.InvalidParam("this server access control list would shut out this server")


def check_retention(app: App, content: dict[str, Any]) -> None:
    try:
        retention.check(content)
    except Malformed as error:
        raise errors.BadJson(str(error)) from error


def _is_level(value: object) -> bool:
    return type(value) is int and abs(value) <= canonical_json.INTEGER_MAX


_CHECKS: dict[str, Callable[[App, dict[str, Any]], None]] = {
    "m.room.power_levels": check_power_levels,
    "m.room.retention": check_retention,
    "m.room.server_acl": check_server_acl,
}
