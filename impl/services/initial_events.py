"""The events that a new room begins with. C-S API, "Creation", POST /createRoom.

The order is the specification's: create, the creator's join, power levels, alias, preset,
initial_state, name and topic, invites. An event that a later one would overwrite is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.core import canonical_json
from impl.core.event_builder import Draft
from impl.core.room_version import RoomVersion
from impl.services import member_content

CREATOR_POWER = 100
TOMBSTONE_POWER = 150
TOMBSTONE = "m.room.tombstone"

PRIVATE_CHAT = "private_chat"
PUBLIC_CHAT = "public_chat"
TRUSTED_PRIVATE_CHAT = "trusted_private_chat"

_JOIN_RULE = {PRIVATE_CHAT: "invite", TRUSTED_PRIVATE_CHAT: "invite", PUBLIC_CHAT: "public"}
_GUEST_ACCESS = {
    PRIVATE_CHAT: "can_join",
    TRUSTED_PRIVATE_CHAT: "can_join",
    PUBLIC_CHAT: "forbidden",
}


@dataclass(frozen=True, slots=True)
class InitialState:
    """An entry of `initial_state`."""

    event_type: str
    state_key: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RoomOptions:
    """What the creator asks for, in the words of POST /createRoom."""

    visibility: str = "private"
    preset: str = PRIVATE_CHAT
    room_alias_name: str | None = None
    name: str | None = None
    topic: str | None = None
    invite: Sequence[str] = ()
    room_version: str | None = None
    creation_content: Mapping[str, Any] = field(default_factory=dict)
    initial_state: Sequence[InitialState] = ()
    is_direct: bool = False
    power_level_content_override: Mapping[str, Any] = field(default_factory=dict)


def create_content(options: RoomOptions, creator: str, version: RoomVersion) -> dict[str, Any]:
    """The content of m.room.create."""
    content = {**options.creation_content, "room_version": version.version}
    content.pop("creator", None)
    if not version.creator_is_sender:
        content["creator"] = creator
    # The invited of a trusted private chat are creators as well, since room version 12.
    if version.creators_outrank_all and options.preset == TRUSTED_PRIVATE_CHAT:
        named = [*content.get("additional_creators", ()), *options.invite]
        others = [user_id for user_id in dict.fromkeys(named) if user_id != creator]
        if others:
            content["additional_creators"] = others
    return content


def drafts(
    options: RoomOptions,
    creator: str,
    version: RoomVersion,
    room_alias: str | None,
    profiles: Mapping[str, Mapping[str, Any]],
) -> list[Draft]:
    """All events but the first. `profiles` has those of the creator and the invited."""
    state = [
        ("m.room.power_levels", "", power_levels_content(options, creator, version)),
        *_alias_state(room_alias),
        *_preset_state(options),
        *_initial_state(options),
        *_description_state(options),
    ]
    joined = member_content.make("join", profiles.get(creator))
    return [
        Draft("m.room.member", creator, joined, state_key=creator),
        *(Draft(kind, creator, content, state_key=key) for kind, key, content in state),
        *_invites(options, creator, profiles),
    ]


def power_levels_content(
    options: RoomOptions, creator: str, version: RoomVersion
) -> dict[str, Any]:
    """The first m.room.power_levels: ours, and on top of it what the creator wants otherwise."""
    users: dict[str, int] = {}
    if not version.creators_outrank_all:
        users[creator] = CREATOR_POWER
        if options.preset == TRUSTED_PRIVATE_CHAT:
            users |= dict.fromkeys(options.invite, CREATOR_POWER)
    content: dict[str, Any] = {
        "users": users,
        "users_default": 0,
        "events": {
            "m.room.avatar": 50,
            "m.room.canonical_alias": 50,
            "m.room.encryption": 100,
            "m.room.history_visibility": 100,
            "m.room.name": 50,
            "m.room.power_levels": 100,
            "m.room.server_acl": 100,
            TOMBSTONE: 100,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        # Anybody may bring a friend along, but for a room that is open anyhow.
        "invite": 50 if options.preset == PUBLIC_CHAT else 0,
    }
    content |= options.power_level_content_override
    if version.creators_outrank_all and not _says_tombstone(options):
        content["events"] = {**content["events"], TOMBSTONE: TOMBSTONE_POWER}
        raise_tombstone(content)
    return content


def raise_tombstone(content: dict[str, Any]) -> None:
    """Since room version 12 the level to close a room must be told, and be above state_default."""
    state_default = content.get("state_default", 50)
    if content["events"].get(TOMBSTONE, state_default) > state_default:
        return
    level = TOMBSTONE_POWER
    if state_default >= level:
        level = min(state_default + 1, canonical_json.INTEGER_MAX)
    content["events"] = {**content["events"], TOMBSTONE: level}


def _says_tombstone(options: RoomOptions) -> bool:
    return TOMBSTONE in options.power_level_content_override.get("events", {})


def _alias_state(room_alias: str | None) -> list[tuple[str, str, dict[str, Any]]]:
    return [("m.room.canonical_alias", "", {"alias": room_alias})] if room_alias else []


def _preset_state(options: RoomOptions) -> list[tuple[str, str, dict[str, Any]]]:
    overridden = {(one.event_type, one.state_key) for one in options.initial_state}
    preset = [
        ("m.room.join_rules", "", {"join_rule": _JOIN_RULE[options.preset]}),
        ("m.room.history_visibility", "", {"history_visibility": "shared"}),
        ("m.room.guest_access", "", {"guest_access": _GUEST_ACCESS[options.preset]}),
    ]
    return [one for one in preset if one[:2] not in overridden]


def _initial_state(options: RoomOptions) -> list[tuple[str, str, dict[str, Any]]]:
    overridden = {event_type for event_type, _, _ in _description_state(options)}
    return [
        (one.event_type, one.state_key, one.content)
        for one in options.initial_state
        if one.state_key or one.event_type not in overridden
    ]


def _description_state(options: RoomOptions) -> list[tuple[str, str, dict[str, Any]]]:
    state: list[tuple[str, str, dict[str, Any]]] = []
    if options.name is not None:
        state.append(("m.room.name", "", {"name": options.name}))
    if options.topic is not None:
        text = [{"body": options.topic, "mimetype": "text/plain"}]
        content = {"topic": options.topic, "m.topic": {"m.text": text}}
        state.append(("m.room.topic", "", content))
    return state


def _invites(
    options: RoomOptions, creator: str, profiles: Mapping[str, Mapping[str, Any]]
) -> list[Draft]:
    return [
        Draft(
            "m.room.member",
            creator,
            member_content.make("invite", profiles.get(user_id), is_direct=options.is_direct),
            state_key=user_id,
        )
        for user_id in dict.fromkeys(options.invite)
    ]
