"""What the events that are appended to a room add to its members' unread counts. DESIGN 6, "Unread
counts"; C-S API, "Receiving notifications".

Theory. The push rules run once for each class of members (core/push_classes.py), and what they say
is added to running totals that each row of the timeline carries. Only who may be told something
else is looked at alone: who is mentioned, whose keyword or name is in the text, who ignores the
sender, and the sender. Where that comes to something else than it does for their class, they get a
row of their own. So a message writes a number of rows that does not grow with the members.

Who sends an event has read what is above it ("by sending an event", the specification says): for
what people say, that is. A changed name or power level, or a redaction, says nothing of what its
sender has read. What is read is the thread that the event is in, as by a threaded receipt."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from impl import breath
from impl.core import identifiers, push_rules, push_totals, redaction, state_trie, threads
from impl.core.auth.selection import CREATE, POWER_LEVELS
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.core.push_classes import Matches, Standing, pair_of
from impl.core.push_conditions import Surroundings
from impl.core.push_totals import NOTHING, Pair, Totals
from impl.core.threads import MAIN
from impl.services.room_events.audience import Audience, Audiences
from impl.services.room_events.open_room import Appended, OpenRoom
from impl.storage import unread
from impl.storage.unread import NewUnread, SingledOut

MEMBER = "m.room.member"
REDACTION = "m.room.redaction"


class Counting:
    """The counts of a room while events are appended to it, in their order."""

    def __init__(self, room: OpenRoom) -> None:
        self._room = room
        self._audiences = room.app.part(Audiences, Audiences)
        self._joined = room.head.joined_count
        # Nobody leaves out the members of a room for two.
        self._counted_min = 3 if room.head.is_partial else 0
        self._audience_nid = room.head.audience_nid
        self._main = push_totals.decode(room.head.unread_totals)
        self._threads: dict[str, Totals] = {}
        self._audience = self._open()

    def follow(self, one: Appended) -> None:
        """The memberships that are others with an event."""
        room = self._room
        local: dict[str, bool] = {}
        for user_id, was_in, is_in in _moves(room, one):
            self._joined += is_in - was_in
            if was_in != is_in and _is_ours(room, user_id):
                local[user_id] = is_in
        if local:
            self._audience_nid = one.new.event_nid
            self._audience = self._with(self._audience, local, self._audience.seen)

    def row(self, event: Event, roots: tuple[int, int], *, is_redacted: bool = False) -> NewUnread:
        """What the row of an event says. `roots`: of the state that it was sent in, and of the
        current one after it.
        """
        room = self._room
        shown = redaction.redact(event.pdu, event.room_version) if is_redacted else event.pdu
        content = shown["content"]
        thread_id = threads.thread_of(content, self._content_of)
        joined = max(self._joined, self._counted_min)
        told = _Told(room, event, {**shown, "room_id": event.room_id}, roots, joined)
        audience = self._audience
        pairs = {one: told.matches.outcome(one) for one in audience.classes}
        singled, reader = self._singled(told, pairs)
        told_classes = [one for one, pair in pairs.items() if pair != NOTHING]
        nids = room.app.push_classes.intern(room.txn, told_classes)
        outcome: Totals = {nid: pairs[one] for one, nid in nids.items()}
        if thread_id == MAIN:
            self._main = push_totals.sum_of(self._main, outcome)
        return NewUnread(
            totals=push_totals.encode(self._main),
            outcome=push_totals.encode(outcome),
            thread_id=thread_id,
            thread_totals=self._in_thread(thread_id, outcome),
            singled=singled,
            reader=reader,
        )

    def silent_row(self, event: Event) -> NewUnread:
        """The same of an event that nobody is shown, and so nobody is told of."""
        thread_id = threads.thread_of(event.content, self._content_of)
        return NewUnread(
            totals=push_totals.encode(self._main),
            outcome=push_totals.encode({}),
            thread_id=thread_id,
            thread_totals=self._in_thread(thread_id, {}),
        )

    def close(self) -> None:
        """Write into the room's head where the counts are now."""
        head = self._room.head
        head.joined_count = self._joined
        head.audience_nid = self._audience_nid
        head.unread_totals = push_totals.encode(self._main)
        self._room.audience = self._audience

    def _open(self) -> Audience:
        room = self._room
        kept = self._audiences.get(room.room_nid, room.head.audience_nid)
        if kept is None:
            return self._audiences.load(room.txn, room.room_nid, room.head.room.room_id)
        seen = self._audiences.seen
        changed = self._audiences.changed_since(kept.seen)
        # Not who is new here, say, and has changed nothing.
        rules = self._audiences.rules(room.txn, changed) if changed else {}
        changed = {one for one in changed if rules[one] or one in kept.standings}
        if not changed:
            return kept.with_changes({}, seen)
        members = _members(room, changed, room.root_at_open)
        return self._with(kept, {user_id: user_id in members for user_id in changed}, seen)

    def _with(self, audience: Audience, are_in: Mapping[str, bool], seen: int) -> Audience:
        """With the standings of some users anew, by whether they are in the room. `seen`: the
        changes of rules that are taken into account then.
        """
        room_id = self._room.head.room.room_id
        joined = [user_id for user_id, is_in in are_in.items() if is_in]
        standings = self._audiences.standings(self._room.txn, joined, room_id) if joined else {}
        return audience.with_changes({one: standings.get(one) for one in are_in}, seen)

    def _singled(
        self, told: "_Told", pairs: Mapping[str, Pair]
    ) -> tuple[list[SingledOut], str | None]:
        """Those who are told something else than their class, and who has read by sending it."""
        room, event, audience = self._room, told.event, self._audience
        deaf = self._ignorers(event)
        suspects = told.mentioned | set(audience.by_name) | deaf
        for trigger, user_ids in audience.triggers.items():
            if trigger.matches(told.shown, told.surroundings):
                suspects.update(user_ids)
        is_sender_ours = _is_ours(room, event.sender)
        if is_sender_ours:
            suspects.add(event.sender)
        if not suspects:
            return [], None
        members = _members(room, suspects, told.roots[1])
        alone = members.keys() - deaf - {event.sender}
        rules = self._audiences.rules(room.txn, alone) if alone else {}
        is_said = not event.is_state and event.type != REDACTION
        reader = event.sender if is_said and event.sender in members else None
        singled: list[SingledOut] = []
        for user_id in sorted(members):
            pair = NOTHING
            if user_id in alone:
                pair = told.to(user_id, rules[user_id], members[user_id])
            standing = audience.standings.get(user_id, Standing())
            more = push_totals.subtract(pair, pairs[standing.definition])
            # What the reader sent is behind what they have read.
            if more != NOTHING and user_id != reader:
                singled.append(SingledOut(user_id, *more))
        return singled, reader

    def _ignorers(self, event: Event) -> set[str]:
        """C-S API, "Ignoring Users": state is shown to them all the same."""
        if event.is_state:
            return set()
        return set(self._audiences.ignorers(self._room.txn, event.sender))

    def _content_of(self, event_id: str) -> Mapping[str, Any] | None:
        nid = self._room.find_nid(event_id)
        return self._room.events_by_nid([nid])[nid].content if nid is not None else None

    def _in_thread(self, thread_id: str, outcome: Totals) -> bytes:
        if thread_id == MAIN:
            return b""
        before = self._threads.get(thread_id)
        if before is None:
            room = self._room
            stored = unread.get_thread_totals(room.txn, room.room_nid, thread_id)
            before = push_totals.decode(stored)
        totals = self._threads[thread_id] = push_totals.sum_of(before, outcome)
        return push_totals.encode(totals)


@dataclass
class _Told:
    """An event, and what people's rules say of it."""

    room: OpenRoom
    event: Event
    shown: Mapping[str, Any]
    roots: tuple[int, int]
    member_count: int

    @cached_property
    def surroundings(self) -> Surroundings:
        levels = _LevelsAt(self.room, self.roots[0])
        return Surroundings(self.event.room_id, self.member_count, levels)

    @cached_property
    def matches(self) -> Matches:
        return Matches.of(self.shown, self.surroundings)

    @cached_property
    def mentioned(self) -> set[str]:
        """Our users among the mentioned. C-S API, "User and room mentions"."""
        mentions = self.shown["content"].get("m.mentions")
        user_ids = mentions.get("user_ids") if isinstance(mentions, dict) else None
        return {
            user_id
            for user_id in (user_ids if isinstance(user_ids, list) else [])
            if identifiers.is_user_id(user_id) and _is_ours(self.room, user_id)
        }

    def to(self, user_id: str, changes: Mapping[str, Any], member: Event) -> Pair:
        """What a user's own rules say."""
        if not changes and user_id in self.mentioned and not self.event.is_state:
            return self._to_mentioned
        return self._evaluate(user_id, changes, member)

    @cached_property
    def _to_mentioned(self) -> Pair:
        """To whom a message mentions, if they have the default rules: the same to all of them."""
        user_id = next(iter(self.mentioned))
        rules = push_rules.default_rules(user_id)
        return pair_of(push_rules.evaluate(rules, self.shown, self.surroundings))

    def _evaluate(self, user_id: str, changes: Mapping[str, Any], member: Event) -> Pair:
        name = member.content.get("displayname")
        around = Surroundings(
            self.event.room_id,
            self.member_count,
            self.surroundings.power_levels,
            name if isinstance(name, str) else None,
        )
        rules = push_rules.ruleset(user_id, changes)
        return pair_of(push_rules.evaluate(rules, self.shown, around))


@dataclass(frozen=True, slots=True)
class _LevelsAt:
    """The power levels of a state, looked up where a rule asks for them, which is rare."""

    room: OpenRoom
    root: int

    def user(self, user_id: str) -> int:
        return self._levels().user(user_id)

    def notification(self, name: str) -> int:
        return self._levels().notification(name)

    def _levels(self) -> PowerLevels:
        room = self.room
        state = room.state_events([CREATE, POWER_LEVELS], self.root)
        return PowerLevels.of(state.get(POWER_LEVELS), state.get(CREATE), room.room_version)


def keep(room: OpenRoom) -> None:
    """After the commit: the audience is that of the room's head."""
    if room.audience is not None:
        audiences = room.app.part(Audiences, Audiences)
        audiences.keep(room.room_nid, room.head.audience_nid, room.audience)


def _moves(room: OpenRoom, one: Appended) -> Iterator[tuple[str, bool, bool]]:
    """(user_id, whether in the room before, and after) of those whose membership event changed."""
    before, after = one.current_before, one.current_after
    if before == after:
        return
    event = one.new.event
    if one.placed.state_before == before and one.new.state_after == after:
        # On top of the last: what changed is what was appended.
        if event.type != MEMBER:
            return
        key = (MEMBER, event.state_key or "")
        old = room.state_events([key], before).get(key)
        yield key[1], _is_join(old), _is_join(event)
        return
    diff = state_trie.diff(room.nodes, before, after)
    keys = room.app.state_keys.get_keys(room.txn, diff)
    members = {
        keys[key_nid][1]: pair for key_nid, pair in diff.items() if keys[key_nid][0] == MEMBER
    }
    loaded = room.events_by_nid({nid for pair in members.values() for nid in pair if nid})
    for user_id, (old_nid, new_nid) in breath.between(members.items()):
        yield user_id, _is_join(loaded.get(old_nid or 0)), _is_join(loaded.get(new_nid or 0))


def _is_join(event: Event | None) -> bool:
    return event is not None and event.content.get("membership") == "join"


def _members(room: OpenRoom, user_ids: Iterable[str], root: int) -> dict[str, Event]:
    """Those of some users who are in the room, by the state at a root."""
    state = room.state_events([(MEMBER, user_id) for user_id in user_ids], root)
    return {key[1]: event for key, event in state.items() if _is_join(event)}


def _is_ours(room: OpenRoom, user_id: str) -> bool:
    return user_id.endswith(":" + room.app.server_name)
