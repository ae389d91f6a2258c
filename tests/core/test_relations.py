"""m.relates_to: what is a relation, and which replacements are valid."""

from typing import Any

import pytest

from impl.core import relations
from impl.core.event import Event
from impl.core.relations import Relation
from impl.core.room_version import ROOM_VERSIONS

PARENT = "$parent"


def relates_to(**fields: Any) -> dict[str, Any]:
    return {"m.relates_to": fields}


def event(**fields: Any) -> Event:
    pdu = {"type": "m.room.message", "sender": "@a:b", "content": {}, **fields}
    return Event(pdu, ROOM_VERSIONS["12"], "$event")


def an_edit(**fields: Any) -> Event:
    content = {"m.new_content": {}, **relates_to(rel_type="m.replace", event_id=PARENT)}
    return event(**{"content": content, **fields})


def test_a_relation_is_a_type_and_a_parent() -> None:
    found = relations.read(relates_to(rel_type="org.example", event_id=PARENT, key="k"))
    assert found == Relation("org.example", PARENT)
    assert not found.is_thread


def test_a_thread_is_known_by_its_relation() -> None:
    found = relations.read(relates_to(rel_type="m.thread", event_id=PARENT, is_falling_back=True))
    assert found is not None
    assert found.is_thread
    assert found.parent_event_id == PARENT


@pytest.mark.parametrize(("key", "read"), [("👍", "👍"), ("", ""), (1, None), ("\0", None)])
def test_an_annotation_has_a_key(key: object, read: str | None) -> None:
    found = relations.read(relates_to(rel_type="m.annotation", event_id=PARENT, key=key))
    assert found == Relation("m.annotation", PARENT, read)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"m.relates_to": None},
        {"m.relates_to": []},
        relates_to(),
        relates_to(rel_type="m.thread"),
        relates_to(event_id=PARENT),
        relates_to(rel_type=1, event_id=PARENT),
        relates_to(rel_type="m.thread", event_id=1),
        relates_to(rel_type="m.thread", event_id="parent"),
        relates_to(rel_type="m.thread", event_id="$a\0b"),
        relates_to(rel_type="m.\0", event_id=PARENT),
        relates_to(rel_type="m.thread", event_id="$" + "x" * 255),
        relates_to(**{"m.in_reply_to": {"event_id": PARENT}}),
    ],
)
def test_what_has_another_form_is_no_relation(content: dict[str, Any]) -> None:
    assert relations.read(content) is None
    assert relations.may_start_thread(content)


def test_no_thread_begins_at_what_is_related() -> None:
    assert not relations.may_start_thread(relates_to(rel_type="org.example", event_id=PARENT))


def test_an_edit_replaces_what_its_sender_said() -> None:
    assert relations.may_replace(event(), an_edit())


@pytest.mark.parametrize(
    ("original", "replacement"),
    [
        (event(sender="@other:b"), an_edit()),
        (event(type="m.sticker"), an_edit()),
        (event(state_key=""), an_edit()),
        (event(), an_edit(state_key="")),
        (an_edit(), an_edit()),
        (event(), an_edit(content={})),
        (event(), an_edit(content={"m.new_content": "text"})),
    ],
)
def test_an_edit_that_breaks_a_rule_replaces_nothing(original: Event, replacement: Event) -> None:
    assert not relations.may_replace(original, replacement)


def test_what_is_new_in_an_encrypted_edit_is_not_seen() -> None:
    encrypted = {"type": "m.room.encrypted"}
    assert relations.may_replace(event(**encrypted), an_edit(content={}, **encrypted))
