"""m.direct_to_device: messages of other servers' users to our users' devices."""

from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.services import to_device
from impl.services.incoming import edu
from impl.storage.database import DatabaseUnavailable
from tests.builders import ALICE, BOB
from tests.services import sync_client
from tests.services.incoming.site import Site, let_in, put
from tests.services.incoming.test_edu import STRANGER, tell, typing_edu, typing_now
from tests.services.room_events.elsewhere import EVELYN, a_room_elsewhere
from tests.to_device import a_person

Json = dict[str, Any]


@pytest.fixture
def room_id(app: App, site: Site) -> str:
    return let_in(app, site, a_room_elsewhere())


@pytest.fixture
def device(app: App) -> None:
    a_person(app, "alice", "DEVICE")


def device_edu(messages: object, **changes: object) -> Json:
    return {
        "sender": EVELYN,
        "type": "m.room_key",
        "message_id": "one",
        "messages": messages,
        **changes,
    }


def device_messages(app: App) -> list[Json]:
    return sync_client.ask(app, ALICE).get("to_device", {}).get("events", [])


@pytest.mark.usefixtures("device")
def test_a_message_to_a_device_is_delivered_once(app: App) -> None:
    told = device_edu({ALICE: {"DEVICE": {"n": 1}, "GONE": {"n": 2}}, BOB: {"*": {"n": 3}}})
    tell(app, "m.direct_to_device", told)
    tell(app, "m.direct_to_device", told)
    tell(app, "m.direct_to_device", {**told, "messages": {ALICE: {"*": {"n": 4}}}})
    assert device_messages(app) == [{"type": "m.room_key", "sender": EVELYN, "content": {"n": 1}}]
    tell(app, "m.direct_to_device", {**told, "message_id": "two"})
    assert len(device_messages(app)) == 2
    # The id is that server's own.
    other = {**told, "sender": STRANGER}
    tell(app, "m.direct_to_device", other, origin="third.example")
    assert len(device_messages(app)) == 3


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    "changes",
    [
        {"sender": BOB},
        {"sender": STRANGER},
        {"sender": None},
        {"type": 5},
        {"type": "x" * 300},
        {"message_id": None},
        {"message_id": "x" * 300},
        {"message_id": "a\0b"},
        {"messages": []},
        {"messages": {ALICE: []}},
        {"messages": {ALICE: {"DEVICE": "x"}}},
        {"messages": {ALICE: {"DEVICE": {"body": "x" * 70_000}}}},
        {"messages": {"alice": {"DEVICE": {}}}},
        {"messages": {f"@u{number}:x.example": {"*": {}} for number in range(10_001)}},
    ],
)
def test_a_message_to_a_device_that_is_none(app: App, changes: Json) -> None:
    tell(app, "m.direct_to_device", {**device_edu({ALICE: {"DEVICE": {}}}), **changes})
    assert device_messages(app) == []


@pytest.mark.usefixtures("device")
def test_one_bad_edu_does_not_spoil_the_others(app: App, room_id: str) -> None:
    edus: list[Any] = [
        {},
        {"edu_type": 5, "content": {}},
        {"edu_type": "m.typing", "content": "x"},
        {"edu_type": "m.typing", "content": {}},
        {"edu_type": "m.receipt", "content": {room_id: 5, "x": {"m.read": []}}},
        {"edu_type": "m.presence", "content": {"push": {}}},
        {"edu_type": "org.example.unknown", "content": {}},
        {"edu_type": "m.direct_to_device", "content": {}},
        {"edu_type": "m.typing", "content": typing_edu(room_id)},
        {"edu_type": "m.direct_to_device", "content": device_edu({ALICE: {"DEVICE": {}}})},
    ]
    assert put(app, edus=edus) == {}
    assert typing_now(app, room_id) == [EVELYN]
    assert len(device_messages(app)) == 1


@pytest.mark.usefixtures("device")
def test_one_transaction_delivers_only_so_much(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_device, "WRITTEN_BYTES_MAX", 10)
    edus = [
        {
            "edu_type": "m.direct_to_device",
            "content": device_edu({ALICE: {"DEVICE": {"n": "x"}}}, message_id=str(number)),
        }
        for number in range(5)
    ]
    assert put(app, edus=edus) == {}
    assert len(device_messages(app)) == 2


def test_what_cannot_be_kept_is_asked_for_again(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailable("it is away")

    monkeypatch.setitem(edu.HANDLERS, "m.direct_to_device", fail)
    told = {"edu_type": "m.direct_to_device", "content": {}}
    with pytest.raises((DatabaseUnavailable, errors.Unavailable)):
        put(app, edus=[told], txn_id="one")
    monkeypatch.undo()
    assert put(app, edus=[told], txn_id="one") == {}
