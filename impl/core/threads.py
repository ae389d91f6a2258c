"""Which thread of its room an event is in. C-S API, "Threaded read receipts"."""

from collections.abc import Callable, Mapping
from typing import Any

from impl.core import relations

# The thread of what is in none. A root is in this one as well.
MAIN = "main"
# So many relationships are followed.
HOPS_MAX = 3

Content = Mapping[str, Any]


def thread_of(content: Content, find: Callable[[str], Content | None]) -> str:
    """The root's id, or MAIN. `find` gives the content of an event of the room, if it is here."""
    current: Content | None = content
    for hop in range(HOPS_MAX):
        relation = relations.read(current) if current is not None else None
        if relation is None:
            break
        if relation.is_thread:
            return relation.parent_event_id
        current = find(relation.parent_event_id) if hop + 1 < HOPS_MAX else None
    return MAIN
