"""What a user had arranged for a room goes over to its successor. C-S API, "Room Upgrades".

Tags, whether it is a direct chat, and the push rules that are about the room: copied when the user
comes into the new room. The old room must name the new one in its tombstone, since anybody can
claim a predecessor.
"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import push_rules, room_reading
from impl.storage import account_data, memberships
from impl.storage.rooms import Room

TOMBSTONE = ("m.room.tombstone", "")
TAGS = "m.tag"
DIRECT = "m.direct"


def predecessor_of(app: App, txn: Any, room: Room, user_id: str) -> Room | None:
    """The room that this one replaces, if the user has been there."""
    created = room_reading.current(app, txn, room, (room_reading.CREATE,))[room_reading.CREATE]
    claimed = created.content.get("predecessor")
    old_room_id = claimed.get("room_id") if isinstance(claimed, dict) else None
    old = room_reading.find(app, txn, old_room_id) if isinstance(old_room_id, str) else None
    if old is None or memberships.get(txn, old.room_nid, user_id) is None:
        return None
    tombstone = room_reading.stored_state(app, txn, old, (TOMBSTONE,)).get(TOMBSTONE)
    named = room_reading.content_of(tombstone) if tombstone is not None else {}
    return old if named.get("replacement_room") == room.room_id else None


def inherit(app: App, requester: Requester, old: Room, new: Room) -> None:
    """Copy what the requester had arranged for the old room, where there is nothing yet."""
    user_id = requester.user_id
    with app.database.transaction() as txn:
        account_data.lock(txn, user_id)
        tags = account_data.get(txn, user_id, old.room_id, TAGS)
        if tags and account_data.get(txn, user_id, new.room_id, TAGS) is None:
            account_data.put(txn, user_id, new.room_id, TAGS, tags)
        direct = account_data.get(txn, user_id, "", DIRECT)
        if changed := _with_successor(direct, old.room_id, new.room_id):
            account_data.put(txn, user_id, "", DIRECT, changed)
    _inherit_push_rules(app, requester, old.room_id, new.room_id)


def _with_successor(direct: object, old_room_id: str, new_room_id: str) -> dict[str, Any] | None:
    """m.direct with the new room beside the old one; None if nothing is to be changed."""
    if not isinstance(direct, dict):
        return None
    changed = {
        user_id: [*room_ids, new_room_id]
        for user_id, room_ids in direct.items()
        if isinstance(room_ids, list) and old_room_id in room_ids and new_room_id not in room_ids
    }
    return {**direct, **changed} if changed else None


def _inherit_push_rules(app: App, requester: Requester, old_id: str, new_id: str) -> None:
    ruleset = push_rules.get_ruleset(app, requester.user_id)
    for kind in ("override", "room"):
        rules = {rule["rule_id"]: rule for rule in ruleset.get(kind, ())}
        rule = rules.get(old_id)
        if rule is None or new_id in rules:
            continue
        body: dict[str, Any] = {"actions": rule["actions"]}
        if "conditions" in rule:
            # A muted room is an override whose condition is the room.
            body["conditions"] = [
                {**one, "pattern": new_id} if one.get("pattern") == old_id else one
                for one in rule["conditions"]
            ]
        push_rules.put_rule(app, requester, kind, new_id, body)
        if not rule["enabled"]:
            push_rules.set_enabled(app, requester, kind, new_id, False)
