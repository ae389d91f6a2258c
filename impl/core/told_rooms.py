"""What another server says of a space and the rooms in it. S-S API, "Spaces".

It goes on to our clients, so each field must be what they expect; what is not so is left out, and a
room that lacks what each must have is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from impl.core import identifiers
from impl.core.rejection import Malformed

CHILD = "m.space.child"
# C-S API, m.space.child: what `order` may be.
_ORDER_LENGTH_MAX = 50
CHILDREN_MAX = 10_000
BYTES_MAX = 65_536
ALLOWED_MAX = 1_000
VIA_MAX = 100
INTEGER_MAX = 2**53 - 1

Json = dict[str, Any]

# What each room must have, and what it is taken to be where nothing is said.
_ALWAYS: Mapping[str, bool | int] = {
    "num_joined_members": 0,
    "world_readable": False,
    "guest_can_join": False,
}
_TEXTS = (
    "avatar_url",
    "canonical_alias",
    "encryption",
    "join_rule",
    "name",
    "room_type",
    "room_version",
    "topic",
)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Child:
    """A room that a space names, with servers that know it. `stripped` is the event that does so,
    as clients are shown it.
    """

    room_id: str
    via: Sequence[str]
    stripped: Json


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A room with the children that it names; of some of these what they look like, others are not
    for us to see.
    """

    summary: Json
    children: Sequence[Child] = ()
    summaries: Mapping[str, Json] = field(default_factory=dict)
    inaccessible: frozenset[str] = frozenset()


def read_hierarchy(answer: Json, room_id: str, *, is_suggested_only: bool) -> Hierarchy:
    """What GET /hierarchy answers. Raises Malformed if it is not about the room."""
    told = answer.get("room")
    summary = read_summary(told)
    if summary is None or summary["room_id"] != room_id or not isinstance(told, dict):
        raise Malformed("room is not what was asked for")
    children: dict[str, Child] = {}
    for one in _some(told.get("children_state")):
        child = read_child(one)
        if child is not None and (is_suggested(child.stripped) or not is_suggested_only):
            children[child.room_id] = child
    summaries = [read_summary(one) for one in _some(answer.get("children"))]
    hidden = [one for one in _some(answer.get("inaccessible_children")) if isinstance(one, str)]
    return Hierarchy(
        summary,
        sorted(children.values(), key=lambda one: order(one.stripped)),
        {one["room_id"]: one for one in summaries if one is not None},
        frozenset(hidden),
    )


def read_summary(told: object) -> Json | None:
    """A room's summary; None for what is none."""
    if not isinstance(told, dict) or not identifiers.is_room_id(told.get("room_id")):
        return None
    summary: Json = {"room_id": told["room_id"]}
    for name, default in _ALWAYS.items():
        value = told.get(name, default)
        if type(value) is not type(default) or not 0 <= value <= INTEGER_MAX:
            return None
        summary[name] = value
    for name in _TEXTS:
        if isinstance(told.get(name), str) and told[name]:
            summary[name] = told[name]
    allowed = [one for one in _some(told.get("allowed_room_ids")) if identifiers.is_room_id(one)]
    if allowed:
        summary["allowed_room_ids"] = allowed[:ALLOWED_MAX]
    return summary if len(_encode(summary)) <= BYTES_MAX else None


def read_child(told: object) -> Child | None:
    """A stripped m.space.child; None for what is none, or names no server to join by."""
    if not isinstance(told, dict) or told.get("type") != CHILD:
        return None
    room_id, content, ts = told.get("state_key"), told.get("content"), told.get("origin_server_ts")
    if not identifiers.is_room_id(room_id) or not identifiers.is_user_id(told.get("sender")):
        return None
    if type(ts) is not int or abs(ts) > INTEGER_MAX or not isinstance(content, dict):
        return None
    stripped = {
        "type": CHILD,
        "state_key": room_id,
        "content": content,
        "sender": told["sender"],
        "origin_server_ts": ts,
    }
    via = via_of(content)
    if not via or len(_encode(stripped)) > BYTES_MAX:
        return None
    return Child(str(room_id), via, stripped)


def via_of(content: Mapping[str, Any]) -> list[str]:
    """By which servers a child can be joined. Without any it was taken out of the space."""
    via = content.get("via")
    named = [one for one in via if isinstance(one, str)] if isinstance(via, list) else []
    return named[:VIA_MAX]


def is_suggested(stripped: Json) -> bool:
    return stripped["content"].get("suggested") is True


def order(stripped: Json) -> tuple[bool, str, int, str]:
    """C-S API, "Ordering of children within a space"."""
    value = stripped["content"].get("order")
    is_valid = (
        isinstance(value, str)
        and len(value) <= _ORDER_LENGTH_MAX
        and all("\x20" <= one <= "\x7e" for one in value)
    )
    return (
        not is_valid,
        str(value) if is_valid else "",
        stripped["origin_server_ts"],
        stripped["state_key"],
    )


def _some(told: object) -> list[Any]:
    return told[:CHILDREN_MAX] if isinstance(told, list) else []
