"""Replacing a room by one of another version. C-S API, "Room Upgrades", "Server behaviour".

The new room is made first, with what is carried over and with the aliases, in one transaction; then
the old one gets its tombstone. If the server dies in between there are two rooms, and the old one
still works."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gevent.lock import BoundedSemaphore

from impl import errors
from impl.app import App
from impl.core import canonical_json, identifiers
from impl.core.event_builder import Draft
from impl.core.power_levels import PowerLevels, level_of
from impl.core.room_version import RoomVersion
from impl.requester import Requester
from impl.services import (
    aliases,
    initial_events,
    member_content,
    posting,
    rate_limiting,
    room_reading,
    room_succession,
    rooms,
)
from impl.services.room_events import batching
from impl.services.room_events.submission import Submission
from impl.services.room_reading import StateKey
from impl.storage import aliases as alias_storage
from impl.storage import memberships, room_state
from impl.storage import rooms as room_storage
from impl.storage.events import StoredEvent
from impl.storage.lease import Lease
from impl.storage.rooms import Room

TOMBSTONE = "m.room.tombstone"
SPACE_CHILD = "m.space.child"
# Thousands in one transaction would hold up all other rooms.
BANS_AT_ONCE = 100
# So long one waits for somebody else who replaces the same room.
UPGRADE_SECONDS_MAX = 20.0
_IS_UNDERWAY = "the room is being upgraded by somebody else"

# Carried over as they are, if they are there.
_COPIED = (
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
)
_LEVEL_NAMES = (
    "ban",
    "events_default",
    "invite",
    "kick",
    "redact",
    "state_default",
    "users_default",
)
_LEVEL_MAPS = ("events", "notifications", "users")

Contents = Mapping[StateKey, dict[str, Any]]


def upgrade(
    app: App,
    requester: Requester,
    room_id: str,
    new_version: str,
    additional_creators: Sequence[str] = (),
) -> str:
    """Replace a room that the requester may close, and return the new room's id.

    Who asks while it is being replaced, by a second click say, is told by what: of two new rooms
    one would have the aliases, and the other the tombstone.
    """
    version = rooms.known_version(new_version)
    if version.creators_outrank_all:
        rooms.check_creators(list(additional_creators))
    with app.database.read() as txn:
        old = room_reading.get_joined(app, txn, room_id, requester.user_id)
        _check_may_close(app, txn, old, requester.user_id)
        costs = [("rc_room_creation", requester.user_id, 1)]
        costs.append((rate_limiting.MESSAGES, requester.user_id, 1))
        rate_limiting.spend_all(app, costs, requester)
        before = _tombstone(app, txn, old)
    with _alone(app, old):
        with app.database.read() as txn:
            now = _tombstone(app, txn, old)
        if now is not None and (before is None or now.event_id != before.event_id):
            replacement = room_reading.content_of(now).get("replacement_room")
            if identifiers.is_room_id(replacement):
                return str(replacement)
        return _replace(app, requester, old, version, additional_creators)


def _check_may_close(app: App, txn: Any, room: Room, user_id: str) -> None:
    levels = room_reading.levels(app, txn, room)
    if levels.user(user_id) < levels.event(TOMBSTONE, is_state=True):
        raise errors.Forbidden("you may not upgrade this room")


def _tombstone(app: App, txn: Any, room: Room) -> StoredEvent | None:
    return room_reading.stored_state(app, txn, room, ((TOMBSTONE, ""),)).get((TOMBSTONE, ""))


class _Underway:
    """The rooms that this worker replaces, and how many wait to: one of them asks the database."""

    def __init__(self, app: App) -> None:
        self.turns: defaultdict[int, BoundedSemaphore] = defaultdict(BoundedSemaphore)
        self.count: Counter[int] = Counter()


@contextmanager
def _alone(app: App, room: Room) -> Iterator[None]:
    """While nobody else replaces the room, in this worker or another."""
    underway, nid = app.part(_Underway, _Underway), room.room_nid
    deadline = time.monotonic() + UPGRADE_SECONDS_MAX
    lease = Lease(app.database, f"upgrade of room {nid}")
    underway.count[nid] += 1
    try:
        if not underway.turns[nid].acquire(timeout=UPGRADE_SECONDS_MAX):
            raise errors.Unknown(_IS_UNDERWAY, status=409)
        try:
            while not lease.hold():
                if time.monotonic() > deadline or not app.pause(0.1):
                    raise errors.Unknown(_IS_UNDERWAY, status=409)
            yield
        finally:
            lease.release()
            underway.turns[nid].release()
    finally:
        underway.count[nid] -= 1
        if not underway.count[nid]:
            del underway.count[nid], underway.turns[nid]


def _replace(
    app: App,
    requester: Requester,
    old: Room,
    version: RoomVersion,
    additional_creators: Sequence[str],
) -> str:
    user_id = requester.user_id
    with app.database.read() as txn:
        # Who waited may have lost the right to it.
        _check_may_close(app, txn, old, user_id)
        levels = room_reading.levels(app, txn, old)
        state = _read_contents(app, txn, old)
        newest = app.events.get(
            txn, old.room_nid, max(room_storage.list_forward_extremities(txn, old.room_nid))
        )
        old_aliases = set(alias_storage.list_of_room(txn, old.room_nid))
        profile = member_content.profile_of(app, txn, user_id)

    predecessor = {"room_id": old.room_id}
    if newest is not None:
        predecessor["event_id"] = newest.event_id
    content = _create_content(state, predecessor, user_id, version, additional_creators)
    drafts = [
        Draft("m.room.member", user_id, member_content.make("join", profile), user_id),
        *_carried_over(state, levels, user_id, version, content, old_aliases),
    ]

    def move_aliases(txn: Any, new: Room) -> None:
        alias_storage.move(txn, old.room_nid, new.room_nid)

    new_room_id = rooms.begin(app, user_id, version, content, drafts, move_aliases)
    with app.database.read() as txn:
        new = room_reading.get(app, txn, new_room_id)
    _ban_again(app, user_id, old, new)
    _close(app, user_id, old, new_room_id)
    room_succession.inherit(app, requester, old, new)
    return new_room_id


def _read_contents(app: App, txn: Any, room: Room) -> Contents:
    types = (*_COPIED, "m.room.create", "m.room.canonical_alias", "m.room.power_levels")
    rows = room_state.list_of_rooms(txn, [room.room_nid], [*types, SPACE_CHILD])
    loaded = app.events.get_many(txn, [(room.room_nid, row[3]) for row in rows])
    return {
        (event_type, state_key): room_reading.content_of(loaded[nid])
        for _, event_type, state_key, nid in rows
        if event_type == SPACE_CHILD or state_key == ""
    }


def _create_content(
    state: Contents,
    predecessor: dict[str, Any],
    creator: str,
    version: RoomVersion,
    additional_creators: Sequence[str],
) -> dict[str, Any]:
    before = state[room_reading.CREATE]
    content: dict[str, Any] = {"room_version": version.version, "predecessor": predecessor}
    for name in ("type", "m.federate"):
        if name in before:
            content[name] = before[name]
    if not version.creator_is_sender:
        content["creator"] = creator
    others = [one for one in dict.fromkeys(additional_creators) if one != creator]
    if version.creators_outrank_all and others:
        content["additional_creators"] = others
    return content


def _carried_over(
    state: Contents,
    old_levels: PowerLevels,
    creator: str,
    version: RoomVersion,
    create_content: Mapping[str, Any],
    moved_aliases: set[str],
) -> list[Draft]:
    final = _power_levels(old_levels, creator, version, create_content)
    first = final
    if not version.creators_outrank_all:
        # Somebody who may close a room need not be able to set all of its state: until it is set,
        # the creator is.
        first = {**final, "users": {**final["users"], creator: _highest(final)}}
    carried = [("m.room.power_levels", "", first)]
    carried += [(kind, "", state[kind, ""]) for kind in _COPIED if (kind, "") in state]
    carried += [
        (event_type, state_key, content)
        for (event_type, state_key), content in state.items()
        if event_type == SPACE_CHILD and content
    ]
    if named := _canonical_alias(state, moved_aliases):
        carried.append((aliases.CANONICAL_ALIAS, "", named))
    if first != final:
        carried.append(("m.room.power_levels", "", final))
    return [Draft(kind, creator, content, state_key) for kind, state_key, content in carried]


def _power_levels(
    old_levels: PowerLevels,
    creator: str,
    version: RoomVersion,
    create_content: Mapping[str, Any],
) -> dict[str, Any]:
    """The old room's levels, as the new version can hold them."""
    old = old_levels.content or {}
    read = old_levels.room_version
    content: dict[str, Any] = {}
    for name in _LEVEL_NAMES:
        level = level_of(old.get(name), read)
        if level is not None:
            content[name] = level
    for name in _LEVEL_MAPS:
        values = old.get(name)
        known = values.items() if isinstance(values, dict) else ()
        content[name] = {
            key: level for key, value in known if (level := level_of(value, read)) is not None
        }
    if old_levels.content is None:
        # As it is without the event: anybody sets state, who made the room does more.
        content["state_default"] = 0
    if version.creators_outrank_all:
        for user_id in (creator, *create_content.get("additional_creators", ())):
            content["users"].pop(user_id, None)
        initial_events.raise_tombstone(content)
    elif read.creators_outrank_all or old_levels.content is None:
        # Nobody stands above the levels any longer, and these may ask for more than 100.
        content["users"] |= dict.fromkeys(sorted(old_levels.creators), _highest(content))
    return content


def _highest(content: Mapping[str, Any]) -> int:
    named = [content[name] for name in _LEVEL_NAMES if name in content]
    mapped = [level for name in _LEVEL_MAPS for level in content[name].values()]
    return max([initial_events.CREATOR_POWER, *named, *mapped])


def _canonical_alias(state: Contents, moved_aliases: set[str]) -> dict[str, Any]:
    before = state.get(room_reading.CANONICAL_ALIAS, {})
    content: dict[str, Any] = {}
    if before.get("alias") in moved_aliases:
        content["alias"] = before["alias"]
    alternatives = before.get("alt_aliases")
    kept = [one for one in alternatives or () if one in moved_aliases]
    if kept:
        content["alt_aliases"] = kept
    return content


def _ban_again(app: App, user_id: str, old: Room, new: Room) -> None:
    """Whom the old room keeps out, the new one keeps out as well, as far as its rules let the
    upgrader ban. The specification leaves memberships behind because nobody can join for another; a
    ban needs no consent, and moderators count on it.
    """
    with app.database.read() as txn:
        levels = room_reading.levels(app, txn, new)
        banned = memberships.list_of_room(txn, old.room_nid, "ban")
        events = app.events.get_many(txn, [(old.room_nid, one.event_nid) for one in banned])
    power = levels.user(user_id)
    if power < levels.named("ban"):
        return
    drafts = [
        Draft(
            "m.room.member",
            user_id,
            member_content.make("ban", reason=_reason(events[one.event_nid])),
            one.user_id,
        )
        for one in banned
        if levels.user(one.user_id) < power
    ]
    for start in range(0, len(drafts), BANS_AT_ONCE):
        some = drafts[start : start + BANS_AT_ONCE]
        batching.submit(app, Submission(new.room_id, some))


def _reason(ban: StoredEvent) -> str | None:
    reason = room_reading.content_of(ban).get("reason")
    return reason if isinstance(reason, str) else None


def _close(app: App, user_id: str, old: Room, new_room_id: str) -> None:
    tombstone = Draft(
        TOMBSTONE,
        user_id,
        {"body": "This room has been replaced", "replacement_room": new_room_id},
        "",
    )
    with app.database.read() as txn:
        levels = room_reading.levels(app, txn, old)
    quieten = Draft("m.room.power_levels", user_id, _muted(levels), "")
    try:
        posting.submit(app, Submission(old.room_id, [tombstone, quieten]))
    except (errors.Forbidden, errors.BadJson, errors.TooLarge):
        # To raise the levels is for who may; the tombstone is what counts.
        posting.submit(app, Submission(old.room_id, [tombstone]))


def _muted(levels: PowerLevels) -> dict[str, Any]:
    """The levels of a room in which nobody but moderators is to talk any longer, or to invite. What
    takes more power than that already goes on to take it.
    """
    quiet = min(max(50, levels.named("users_default") + 1), canonical_json.INTEGER_MAX)
    raised = {name: max(quiet, levels.named(name)) for name in ("events_default", "invite")}
    if levels.content is not None:
        return {**levels.content, **raised}
    creators = () if levels.room_version.creators_outrank_all else levels.creators
    return {"users": {one: levels.user(one) for one in creators}, **raised}
