"""A room's successor takes over what its members had arranged for it."""

from impl.app import App
from impl.services import (
    membership,
    messages,
    push_rules,
    room_reading,
    room_upgrades,
    rooms,
)
from impl.services.initial_events import RoomOptions
from impl.storage import account_data, accounts
from tests import builders
from tests.builders import ALICE, BOB, CHARLIE, a_requester

alice, bob = a_requester(ALICE), a_requester(BOB)


def arrange(app: App, room_id: str) -> None:
    """A tag, a direct chat, and push rules of both kinds that can be about a room."""
    with app.database.transaction() as txn:
        accounts.insert(txn, accounts.Account(BOB, None, False, False, False, None), 0)
    with app.database.transaction() as txn:
        account_data.put(txn, BOB, room_id, "m.tag", {"tags": {"m.favourite": {}}})
        account_data.put(txn, BOB, "", "m.direct", {ALICE: ["!other:x", room_id], CHARLIE: []})
    condition = {"kind": "event_match", "key": "room_id", "pattern": room_id}
    muted = {"actions": [], "conditions": [condition]}
    push_rules.put_rule(app, bob, "override", room_id, muted)
    push_rules.put_rule(app, bob, "room", room_id, {"actions": ["notify"]})
    push_rules.set_enabled(app, bob, "room", room_id, False)


def data(app: App, room_id: str, data_type: str) -> dict | None:
    with app.database.read() as txn:
        return account_data.get(txn, BOB, room_id, data_type)


def own_rules(app: App, kind: str, room_id: str) -> list[dict]:
    ruleset = push_rules.get_ruleset(app, BOB)
    return [rule for rule in ruleset[kind] if rule["rule_id"] == room_id]


def test_who_follows_into_the_new_room_finds_it_arranged(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    arrange(app, room_id)
    new_id = room_upgrades.upgrade(app, alice, room_id, "12")
    membership.join(app, bob, new_id)
    assert data(app, new_id, "m.tag") == {"tags": {"m.favourite": {}}}
    assert data(app, "", "m.direct") == {ALICE: ["!other:x", room_id, new_id], CHARLIE: []}
    (muted,) = own_rules(app, "override", new_id)
    assert muted["actions"] == []
    assert muted["conditions"] == [{"kind": "event_match", "key": "room_id", "pattern": new_id}]
    (rule,) = own_rules(app, "room", new_id)
    assert (rule["actions"], rule["enabled"]) == (["notify"], False)


def test_so_does_who_joins_it_as_state(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    arrange(app, room_id)
    new_id = room_upgrades.upgrade(app, alice, room_id, "12")
    membership.put_content(app, bob, new_id, BOB, {"membership": "join"})
    assert data(app, new_id, "m.tag") == {"tags": {"m.favourite": {}}}


def test_a_tombstone_that_was_redacted_names_no_successor(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    arrange(app, room_id)
    new_id = room_upgrades.upgrade(app, alice, room_id, "12")
    key = ("m.room.tombstone", "")
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        tombstone = room_reading.current(app, txn, room, (key,))[key]
    messages.redact(app, alice, room_id, tombstone.event_id, "1", None)
    membership.join(app, bob, new_id)
    assert data(app, new_id, "m.tag") is None


def test_who_upgrades_finds_it_arranged_as_well(app: App) -> None:
    room_id = builders.a_room(app, creator=BOB)
    arrange(app, room_id)
    new_id = room_upgrades.upgrade(app, bob, room_id, "12")
    assert data(app, new_id, "m.tag") == {"tags": {"m.favourite": {}}}


def test_a_room_that_only_claims_a_predecessor_gets_nothing(app: App) -> None:
    room_id = builders.a_room(app)
    membership.join(app, bob, room_id)
    arrange(app, room_id)
    claim = {"predecessor": {"room_id": room_id}}
    options = RoomOptions(preset="public_chat", creation_content=claim)
    new_id = rooms.create(app, alice, options)
    membership.join(app, bob, new_id)
    assert data(app, new_id, "m.tag") is None
    assert new_id not in data(app, "", "m.direct")[ALICE]
    assert own_rules(app, "room", new_id) == []


def test_who_was_not_in_the_old_room_inherits_nothing_and_joins(app: App) -> None:
    room_id = builders.a_room(app)
    new_id = room_upgrades.upgrade(app, alice, room_id, "12")
    membership.join(app, bob, new_id)
    assert data(app, new_id, "m.tag") is None
