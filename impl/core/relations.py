"""How an event relates to another: `m.relates_to`. C-S API, "Forming relationships between events".

What does not have the form of a relationship is none: it is ignored, and the event stands for
itself. A rich reply has no `rel_type`, so it is none of these either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impl.core import identifiers
from impl.core.event import Event

ANNOTATION = "m.annotation"
REFERENCE = "m.reference"
REPLACEMENT = "m.replace"
THREAD = "m.thread"

_ENCRYPTED = "m.room.encrypted"


@dataclass(frozen=True, slots=True)
class Relation:
    """What an event says of its parent. `key` is that of an annotation, if it has one."""

    rel_type: str
    parent_event_id: str
    key: str | None = None

    @property
    def is_thread(self) -> bool:
        """Whether the event is part of the thread whose root is the parent."""
        return self.rel_type == THREAD


def read(content: Mapping[str, Any]) -> Relation | None:
    """The relation in the content of an event."""
    relates_to = content.get("m.relates_to")
    if not isinstance(relates_to, dict):
        return None
    rel_type, parent_event_id = relates_to.get("rel_type"), relates_to.get("event_id")
    if not isinstance(rel_type, str) or "\0" in rel_type:
        return None
    if not isinstance(parent_event_id, str) or not identifiers.is_event_id(parent_event_id):
        return None
    key = relates_to.get("key") if rel_type == ANNOTATION else None
    is_key = isinstance(key, str) and "\0" not in key
    return Relation(rel_type, parent_event_id, key if is_key else None)


def may_start_thread(content: Mapping[str, Any]) -> bool:
    """C-S API, "Threading": not what is itself related to something; a rich reply may."""
    return read(content) is None


def may_replace(original: Event, replacement: Event) -> bool:
    """C-S API, "Validity of replacement events", for an event that relates to the other so."""
    # By the one who sent the original.
    if original.sender != replacement.sender:
        return False
    # Of the same type.
    if original.type != replacement.type:
        return False
    # State is not edited.
    if original.is_state or replacement.is_state:
        return False
    # Nor is an edit.
    relation = read(original.content)
    if relation is not None and relation.rel_type == REPLACEMENT:
        return False
    # With something new, which in an encrypted event is not ours to see.
    is_new = isinstance(replacement.content.get("m.new_content"), dict)
    return is_new or replacement.type == _ENCRYPTED
