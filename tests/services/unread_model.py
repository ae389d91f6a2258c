"""Unread counts by plain counting: every event for every member, one by one."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import push_rules
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.core.push_classes import pair_of
from impl.core.push_rules import Surroundings
from impl.core.room_version import ROOM_VERSIONS
from impl.core.threads import thread_of

Pair = tuple[int, int]
EVERYWHERE = ""


@dataclass
class Entry:
    position: int
    thread_id: str
    pairs: dict[str, Pair]


@dataclass
class ModelRoom:
    members: dict[str, Event] = field(default_factory=dict)
    power_levels: Event | None = None
    create: Event | None = None
    contents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    # (user_id, thread) -> position.
    floors: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))


@dataclass
class Model:
    """What `learn` has read from the timeline, and what the test told of users."""

    users: list[str]
    rooms: dict[str, ModelRoom] = field(default_factory=lambda: defaultdict(ModelRoom))
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    ignored: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    position: int = 0

    def learn(self, app: App) -> None:
        """Count what came into the timeline since."""
        with app.database.read() as txn:
            txn.execute(
                """
                SELECT t.position, t.room_nid, t.event_nid
                  FROM timeline t
                 WHERE t.position > %s
                 ORDER BY t.position
                """,
                (self.position,),
            )
            rows = txn.fetchall()
            loaded = app.events.get_many(txn, [(row[1], row[2]) for row in rows])
        for position, _, event_nid in rows:
            self._count(position, loaded[event_nid].event)
            self.position = position

    def read(self, room_id: str, user_id: str, thread_id: str | None, event_id: str) -> None:
        """A receipt."""
        room = self.rooms[room_id]
        position = next(one for one in room.log if one.pairs.get("event") == event_id).position
        key = (user_id, thread_id or EVERYWHERE)
        room.floors[key] = max(room.floors[key], position)

    def counts(self, room_id: str, user_id: str) -> dict[str, Pair]:
        room = self.rooms[room_id]
        found: dict[str, Pair] = {}
        for one in room.log:
            floors = room.floors[user_id, EVERYWHERE], room.floors[user_id, one.thread_id]
            pair = one.pairs.get(user_id, (0, 0))
            if one.position > max(floors) and pair != (0, 0):
                old = found.get(one.thread_id, (0, 0))
                found[one.thread_id] = (old[0] + pair[0], old[1] + pair[1])
        return found

    def _count(self, position: int, event: Event) -> None:
        room = self.rooms[event.room_id]
        # Before the event, as far as powers go; with it, as far as members do.
        levels = PowerLevels.of(room.power_levels, room.create, ROOM_VERSIONS["12"])
        self._apply(room, position, event)
        thread_id = thread_of(event.content, room.contents.get)
        room.contents[event.event_id] = event.content
        entry = Entry(position, thread_id, {"event": event.event_id})  # type: ignore[dict-item]
        for user_id in self.users:
            if user_id not in room.members or user_id == event.sender:
                continue
            if not event.is_state and event.sender in self.ignored[user_id]:
                continue
            name = room.members[user_id].content.get("displayname")
            around = Surroundings(event.room_id, len(room.members), levels, name)
            rules = push_rules.ruleset(user_id, self.changes.get(user_id, {}))
            shown = {**event.pdu, "room_id": event.room_id}
            entry.pairs[user_id] = pair_of(push_rules.evaluate(rules, shown, around))
        room.log.append(entry)
        if event.type == "m.room.redaction":
            room.contents[event.content["redacts"]] = {}
        elif not event.is_state:
            room.floors[event.sender, thread_id] = position

    def _apply(self, room: ModelRoom, position: int, event: Event) -> None:
        if event.type == "m.room.create":
            room.create = event
        elif event.type == "m.room.power_levels":
            room.power_levels = event
        elif event.type == "m.room.member":
            user_id = event.state_key or ""
            if event.content["membership"] == "join":
                if user_id not in room.members:
                    room.floors[user_id, EVERYWHERE] = position
                room.members[user_id] = event
            else:
                room.members.pop(user_id, None)
