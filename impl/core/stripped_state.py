"""What is shown of a room to who is not in it. C-S API, "Stripped state"."""

from typing import Any

import msgspec

# What helps to know a room before one is in it.
TYPES = (
    "m.room.create",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
)
FIELDS = {"type": str, "state_key": str, "content": dict, "sender": str}

# Of what another server shows so much is kept: some of each type, and somebody's picture.
EVENTS_MAX = 100
BYTES_MAX = 128 * 1024

_encode = msgspec.json.Encoder().encode


def read(events: object) -> list[dict[str, Any]]:
    """What another server shows of its room: the fields that it may, of what is well-formed."""
    found: list[dict[str, Any]] = []
    size = 0
    for one in events if isinstance(events, list) else []:
        if not isinstance(one, dict) or not all(
            isinstance(one.get(name), kind) for name, kind in FIELDS.items()
        ):
            continue
        shown = {name: one[name] for name in FIELDS}
        size += len(_encode(shown))
        if size > BYTES_MAX or len(found) == EVENTS_MAX:
            break
        found.append(shown)
    return found
