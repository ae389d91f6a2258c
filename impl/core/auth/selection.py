"""Which state an event must cite. S-S API, "Auth events selection"."""

from typing import Any

from impl.core.room_version import RoomVersion

StateKey = tuple[str, str]

CREATE: StateKey = ("m.room.create", "")
POWER_LEVELS: StateKey = ("m.room.power_levels", "")
JOIN_RULES: StateKey = ("m.room.join_rules", "")


def member(user_id: str) -> StateKey:
    """The key of a user's membership."""
    return "m.room.member", user_id


def auth_types(
    room_version: RoomVersion,
    event_type: str,
    sender: str,
    state_key: str | None,
    content: dict[str, Any],
) -> list[StateKey]:
    """The keys of the state that the event's auth_events come from, where there is such state."""
    if event_type == CREATE[0]:
        return []
    # Since version 12 the room id says which create event it is.
    keys = [] if room_version.room_id_is_create_hash else [CREATE]
    keys += [POWER_LEVELS, member(sender)]
    if event_type == "m.room.member" and state_key is not None:
        keys += _of_member(room_version, state_key, content)
    return list(dict.fromkeys(keys))


def _of_member(room_version: RoomVersion, target: str, content: dict[str, Any]) -> list[StateKey]:
    membership = content.get("membership")
    keys = [member(target)]
    if membership in ("join", "invite") or (membership == "knock" and room_version.knock):
        keys.append(JOIN_RULES)
    if membership == "invite":
        token = _third_party_token(content)
        if token is not None:
            keys.append(("m.room.third_party_invite", token))
    if membership == "join" and room_version.restricted_join:
        authoriser = content.get("join_authorised_via_users_server")
        if isinstance(authoriser, str):
            keys.append(member(authoriser))
    return keys


def _third_party_token(content: dict[str, Any]) -> str | None:
    invite = content.get("third_party_invite")
    signed = invite.get("signed") if isinstance(invite, dict) else None
    token = signed.get("token") if isinstance(signed, dict) else None
    return token if isinstance(token, str) else None
