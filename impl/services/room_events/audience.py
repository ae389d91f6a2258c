"""Who of our users a room's events are counted for, as far as it is not the default: the classes in
use, and whom to look at alone. DESIGN 6, "Unread counts".

Each worker keeps this for the rooms that it writes to. A membership changes under the room's lock
and leaves its number in the room's head, so that it is seen for certain whether what is kept is
still true; of changed rules and lists of ignored users the news tells. Most members of most rooms
have changed no rule, or none that matters there: nothing is kept of those."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import push_classes
from impl.core.push_classes import Standing, Trigger
from impl.storage import ignored_users, push_rules
from impl.storage.streams import NewsRow

ROOMS_KEPT_MAX = 10_000
USERS_KEPT_MAX = 20_000
IGNORED_KEPT_MAX = 20_000
# Changes of rules that are remembered; who missed more begins anew.
CHANGES_KEPT_MAX = 1_000

PUSH_RULES = "m.push_rules"
IGNORED_USERS = "m.ignored_user_list"

Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Audience:
    """Those of our users in a room who do not simply have the default rules there."""

    standings: Mapping[str, Standing]
    # How many changes of rules this takes into account.
    seen: int
    classes: frozenset[str] = field(init=False)
    triggers: Mapping[Trigger, Sequence[str]] = field(init=False)
    by_name: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        triggers: dict[Trigger, list[str]] = {}
        for user_id, standing in self.standings.items():
            for trigger in standing.triggers:
                triggers.setdefault(trigger, []).append(user_id)
        standings = self.standings.values()
        put = object.__setattr__
        put(self, "classes", frozenset(one.definition for one in standings) | {""})
        put(self, "triggers", triggers)
        put(self, "by_name", [nid for nid, one in self.standings.items() if one.is_by_name])

    def with_changes(self, standings: Mapping[str, Standing | None], seen: int) -> "Audience":
        """With other standings of some; None for who is not in the room."""
        if not standings:
            return self if seen == self.seen else Audience(self.standings, seen)
        changed = dict(self.standings)
        for user_id, standing in standings.items():
            changed.pop(user_id, None)
            if standing is not None and standing != Standing():
                changed[user_id] = standing
        return Audience(changed, seen)


class Audiences:
    """What this worker keeps of rooms, of users' rules, and of who ignores whom."""

    def __init__(self, app: App) -> None:
        self._rooms: OrderedDict[int, tuple[int, Audience]] = OrderedDict()
        self._rules: OrderedDict[str, Changes] = OrderedDict()
        self._ignorers: OrderedDict[str, frozenset[str]] = OrderedDict()
        # Whether the others are ignored by nobody.
        self._has_all_ignorers = False
        self._ignore_moves = 0
        # Users whose rules changed, in order, and how many were dropped from its beginning.
        self._changed: list[str] = []
        self._dropped = 0
        app.news.listeners.append(self._hear)

    @property
    def seen(self) -> int:
        """How many changes of rules were heard of."""
        return self._dropped + len(self._changed)

    def changed_since(self, seen: int) -> set[str]:
        """Whose rules have changed since so many changes."""
        return set(self._changed[max(0, seen - self._dropped) :])

    def get(self, room_nid: int, audience_nid: int) -> Audience | None:
        """What is kept of a room, if it is still true but for `changed_since`."""
        found = self._rooms.get(room_nid)
        if found is None or found[0] != audience_nid or found[1].seen < self._dropped:
            return None
        self._rooms.move_to_end(room_nid)
        return found[1]

    def keep(self, room_nid: int, audience_nid: int, audience: Audience) -> None:
        self._rooms[room_nid] = (audience_nid, audience)
        self._rooms.move_to_end(room_nid)
        if len(self._rooms) > ROOMS_KEPT_MAX:
            self._rooms.popitem(last=False)

    def load(self, txn: Any, room_nid: int, room_id: str) -> Audience:
        """The audience of a room as the database has it."""
        seen = self.seen
        user_ids = push_rules.list_joined_with_changes(txn, room_nid)
        return Audience(self._standings(txn, user_ids, room_id), seen)

    def standings(self, txn: Any, user_ids: Collection[str], room_id: str) -> dict[str, Standing]:
        """Where some users stand who are in a room."""
        found = self._standings(txn, user_ids, room_id)
        return {user_id: found.get(user_id, Standing()) for user_id in user_ids}

    def rules(self, txn: Any, user_ids: Collection[str]) -> dict[str, Changes]:
        """What users have changed of their push rules."""
        kept = self._rules
        found = {user_id: kept[user_id] for user_id in user_ids if user_id in kept}
        missing = [user_id for user_id in user_ids if user_id not in found]
        if missing:
            seen = self.seen
            read = push_rules.get_many(txn, missing)
            changed = self.changed_since(seen)
            for user_id in missing:
                found[user_id] = read.get(user_id, {})
                if user_id not in changed:
                    kept[user_id] = found[user_id]
            while len(kept) > USERS_KEPT_MAX:
                kept.popitem(last=False)
        return found

    def ignorers(self, txn: Any, user_id: str) -> frozenset[str]:
        """By whom of our users a user is ignored."""
        found = self._ignorers.get(user_id)
        if found is None and self._has_all_ignorers:
            return frozenset()
        return found if found is not None else self._read_ignorers(txn, user_id)

    def _read_ignorers(self, txn: Any, user_id: str) -> frozenset[str]:
        moves = self._ignore_moves
        read: dict[str, set[str]] = {}
        # On most servers few are ignored: then all of them are kept, and nothing is asked any more.
        rows = ignored_users.list_some(txn, IGNORED_KEPT_MAX + 1)
        has_all = len(rows) <= IGNORED_KEPT_MAX
        if not has_all:
            rows = ignored_users.list_ignorers(txn, user_id)
            read[user_id] = set()
        for ignored, by in rows:
            read.setdefault(ignored, set()).add(by)
        if moves == self._ignore_moves:
            self._has_all_ignorers = has_all
            self._ignorers.update((ignored, frozenset(by)) for ignored, by in read.items())
        while len(self._ignorers) > IGNORED_KEPT_MAX:
            self._ignorers.popitem(last=False)
        return frozenset(read.get(user_id, ()))

    def _standings(self, txn: Any, user_ids: Collection[str], room_id: str) -> dict[str, Standing]:
        """Without those who stand where everybody does."""
        found: dict[str, Standing] = {}
        for user_id, changes in self.rules(txn, user_ids).items():
            standing = push_classes.classify(changes, room_id)
            if standing != Standing():
                found[user_id] = standing
        return found

    def _hear(self, rows: Sequence[NewsRow] | None) -> None:
        if rows is None:
            self._rooms.clear()
            self._rules.clear()
            self._forget_ignorers()
            return
        for row in rows:
            if row.about == PUSH_RULES and row.user_id is not None:
                self._changed.append(row.user_id)
                self._rules.pop(row.user_id, None)
            elif row.about == IGNORED_USERS:
                self._forget_ignorers()
        if len(self._changed) > CHANGES_KEPT_MAX:
            dropped = len(self._changed) - CHANGES_KEPT_MAX // 2
            del self._changed[:dropped]
            self._dropped += dropped

    def _forget_ignorers(self) -> None:
        self._ignore_moves += 1
        self._has_all_ignorers = False
        self._ignorers.clear()
