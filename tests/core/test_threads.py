"""Which thread an event is in. C-S API, "Threaded read receipts"."""

from typing import Any

import pytest

from impl.core.threads import MAIN, thread_of


def related(rel_type: str, event_id: str) -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": rel_type, "event_id": event_id}}


CONTENTS = {
    "$root": {"body": "root"},
    "$reply": related("m.thread", "$root"),
    "$edit": related("m.replace", "$reply"),
    "$reaction": related("m.annotation", "$edit"),
    "$deep": related("m.reference", "$reaction"),
    "$of root": related("m.annotation", "$root"),
    "$rich reply": {"m.relates_to": {"m.in_reply_to": {"event_id": "$reply"}}},
    "$of nothing": related("m.reference", "$unknown"),
    "$circle": related("m.reference", "$circle"),
    "$odd": {"m.relates_to": "m.thread"},
}


@pytest.mark.parametrize(
    ("event_id", "thread_id"),
    [
        ("$reply", "$root"),
        ("$edit", "$root"),
        # Three relationships lead to the root.
        ("$reaction", "$root"),
        # And here four do.
        ("$deep", MAIN),
        ("$root", MAIN),
        ("$of root", MAIN),
        ("$rich reply", MAIN),
        ("$of nothing", MAIN),
        ("$circle", MAIN),
        ("$odd", MAIN),
    ],
)
def test_a_thread_is_found_by_the_relationships(event_id: str, thread_id: str) -> None:
    assert thread_of(CONTENTS[event_id], CONTENTS.get) == thread_id


def test_no_more_is_looked_up_than_is_followed() -> None:
    asked: list[str] = []

    def find(event_id: str) -> dict[str, Any] | None:
        asked.append(event_id)
        return CONTENTS.get(event_id)

    thread_of(CONTENTS["$deep"], find)
    assert asked == ["$reaction", "$edit"]
    asked.clear()
    thread_of(CONTENTS["$reply"], find)
    assert asked == []
