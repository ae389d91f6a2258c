"""Sending and redacting: transaction ids, where `redacts` stands, and who may."""

import pytest

from impl import errors
from impl.app import App
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.services import membership, messages, room_reading
from impl.storage import events
from tests import builders
from tests.builders import ALICE, BOB, a_requester

alice, bob = a_requester(ALICE), a_requester(BOB)


def get(app: App, room_id: str, event_id: str) -> events.StoredEvent:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        stored = events.get_by_id(txn, room.room_nid, event_id)
    assert stored is not None
    return stored


def event(app: App, room_id: str, event_id: str) -> Event:
    return get(app, room_id, event_id).event


def test_what_is_sent_is_what_is_kept(app: App) -> None:
    room_id = builders.a_room(app)
    event_id = messages.send(app, alice, room_id, "m.x", "1", {"a": [1, {"b": None}], "": "é"})
    sent = event(app, room_id, event_id)
    assert (sent.type, sent.sender, sent.is_state) == ("m.x", ALICE, False)
    assert sent.content == {"a": [1, {"b": None}], "": "é"}


def test_a_transaction_is_one_device_one_endpoint_and_one_path(app: App) -> None:
    room_id, other = builders.a_room(app), builders.a_room(app)
    first = messages.send(app, alice, room_id, "m.x", "1", {"n": 1})
    assert messages.send(app, alice, room_id, "m.x", "1", {"n": 2}) == first
    others = {
        messages.send(app, alice, room_id, "m.x", "2", {}),
        messages.send(app, alice, room_id, "m.y", "1", {}),
        messages.send(app, alice, other, "m.x", "1", {}),
        messages.send(app, a_requester(ALICE, device_id="PHONE"), room_id, "m.x", "1", {}),
        messages.redact(app, alice, room_id, first, "1", None),
    }
    assert len(others | {first}) == 6
    assert messages.redact(app, alice, room_id, first, "1", None) in others


def test_who_is_not_in_the_room_sends_nothing(app: App) -> None:
    for room_id in (builders.a_room(app), "!" + "x" * 43, "!a\0b:c", "room"):
        with pytest.raises(errors.Forbidden):
            messages.send(app, bob, room_id, "m.x", "1", {})
        with pytest.raises(errors.Forbidden):
            messages.redact(app, bob, room_id, "$x", "1", None)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"a": 1.5}, errors.BadJson),
        ({"a": 2**53}, errors.BadJson),
        ({"a": "\ud800"}, errors.BadJson),
        ({"a": "x" * 65_536}, errors.TooLarge),
    ],
)
def test_what_cannot_be_an_event_is_refused(app: App, content: dict, error) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(error):
        messages.send(app, alice, room_id, "m.x", "1", content)


def test_a_type_may_be_255_bytes_long(app: App) -> None:
    room_id = builders.a_room(app)
    messages.send(app, alice, room_id, "x" * 255, "1", {})
    with pytest.raises(errors.TooLarge):
        messages.send(app, alice, room_id, "x" * 256, "2", {})


def test_nul_in_content_is_kept(app: App) -> None:
    room_id = builders.a_room(app)
    event_id = messages.send(app, alice, room_id, "m.x", "1", {"a": "\0"})
    app.events.clear()
    assert event(app, room_id, event_id).content == {"a": "\0"}


def test_state_is_not_sent_as_a_message(app: App) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.Forbidden):
        messages.send(app, bob, room_id, "m.room.member", "1", {"membership": "join"})


@pytest.mark.parametrize(("version", "is_in_content"), [("10", False), ("11", True), ("12", True)])
@pytest.mark.parametrize("way", ["send", "redact"])
def test_redacts_stands_where_the_version_wants_it(
    app: App, version: str, is_in_content: bool, way: str
) -> None:
    room_id = builders.a_room(app, room_version=version)
    target = messages.send(app, alice, room_id, "m.x", "1", {"secret": 1})
    if way == "send":
        content = {"redacts": target, "reason": "oops"}
        redaction_id = messages.send(app, alice, room_id, "m.room.redaction", "2", content)
    else:
        redaction_id = messages.redact(app, alice, room_id, target, "2", "oops")
    sent = event(app, room_id, redaction_id)
    assert sent.redacts == target
    assert ("redacts" in sent.content) is is_in_content
    assert ("redacts" in sent.pdu) is not is_in_content
    assert sent.content["reason"] == "oops"
    assert get(app, room_id, target).redacted_by_nid is not None


def test_one_redacts_ones_own_and_moderators_others(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    of_alice = messages.send(app, alice, room_id, "m.x", "1", {})
    of_bob = [messages.send(app, bob, room_id, "m.x", f"{number}", {}) for number in (1, 2)]
    with pytest.raises(errors.Forbidden):
        messages.redact(app, bob, room_id, of_alice, "3", None)
    messages.redact(app, bob, room_id, of_bob[0], "4", None)
    messages.redact(app, alice, room_id, of_bob[1], "5", None)
    assert get(app, room_id, of_alice).redacted_by_nid is None


def test_what_is_not_there_cannot_be_redacted(app: App) -> None:
    room_id, other = builders.a_room(app), builders.a_room(app)
    elsewhere = messages.send(app, alice, other, "m.x", "1", {})
    for event_id in ("$nothing", elsewhere, "x", "$\0"):
        with pytest.raises(errors.NotFound):
            messages.redact(app, alice, room_id, event_id, "1", None)


@pytest.mark.parametrize(
    "content",
    [{}, {"redacts": None}, {"redacts": ["$a"]}, {"redacts": "$\0"}, {"redacts": "a"}],
)
def test_a_redaction_names_its_event(app: App, content: dict) -> None:
    room_id = builders.a_room(app)
    with pytest.raises(errors.BadJson):
        messages.send(app, alice, room_id, "m.room.redaction", "1", content)


def test_a_path_with_a_nul_is_refused(app: App) -> None:
    room_id = builders.a_room(app)
    for event_type, txn_id in (("m.x", "a\0"), ("m\0", "a")):
        with pytest.raises(errors.InvalidParam):
            messages.send(app, alice, room_id, event_type, txn_id, {})
    with pytest.raises(errors.InvalidParam):
        messages.redact(app, alice, room_id, "$a", "1\0", None)


@pytest.mark.parametrize("event_type", ["m.room.create", "m.room.server_acl"])
def test_what_a_room_needs_is_not_redacted(app: App, event_type: str) -> None:
    acl = Draft("m.room.server_acl", ALICE, {"allow": ["*"]}, "")
    room_id = builders.a_room(app, room_version="10", first=[acl])
    target = state_event(app, room_id, event_type)
    with pytest.raises(errors.Forbidden):
        messages.redact(app, alice, room_id, target.event_id, "1", None)
    with pytest.raises(errors.Forbidden):
        redaction = {"redacts": target.event_id}
        messages.send(app, alice, room_id, "m.room.redaction", "1", redaction)
    assert state_event(app, room_id, event_type).content == target.content
    # A message that is called so is no such state.
    said = messages.send(app, alice, room_id, "m.room.server_acl", "1", {})
    messages.redact(app, alice, room_id, said, "2", None)


@pytest.mark.parametrize("way", ["redact", "send"])
def test_guests_leave_when_what_let_them_in_is_redacted(app: App, way: str) -> None:
    access = Draft("m.room.guest_access", ALICE, {"guest_access": "can_join"}, "")
    room_id = builders.a_room(app, first=[access])
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO users (user_id, created_ts, is_guest) VALUES (%s, 0, TRUE)", (BOB,)
        )
    membership.join(app, a_requester(BOB, is_guest=True), room_id)
    target = state_event(app, room_id, "m.room.guest_access").event_id
    if way == "redact":
        messages.redact(app, alice, room_id, target, "1", None)
    else:
        messages.send(app, alice, room_id, "m.room.redaction", "1", {"redacts": target})
    assert state_event(app, room_id, "m.room.member", BOB).membership == "leave"


def state_event(app: App, room_id: str, event_type: str, state_key: str = "") -> Event:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        key = (event_type, state_key)
        return room_reading.current(app, txn, room, (key,))[key]
