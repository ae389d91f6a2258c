"""What the children of an event come to, told with it: bundled aggregations. C-S API, "Aggregations
of child events", and in the modules of replacements, threads and references "Server behaviour".

Theory. An event knows whether anything relates to it at all (StoredEvent.has_children): a page
where nothing does costs no statement. What there is of one event is read once, kept with it, and
dropped by the news when a child comes or is redacted. That is the same for everybody; who asks has
their own part of it, by whom they ignore and what they may see. Everything is read for all events
of an answer together (`prepare`).

State events get none, since the specification gives them none; annotations are not aggregated."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from impl.app import App
from impl.core import relations
from impl.services import client_events
from impl.services.client_events import Viewer
from impl.services.visibility import IS_IN_ROOM, Sights
from impl.storage import relations as stored_relations
from impl.storage.events import StoredEvent
from impl.storage.relations import Child, Parent

# Of each: the newest that may be shown is nearly always among the first.
EDITS_MAX = 3
REPLIES_MAX = 3
# So many at most are told of, or looked at for one who may not see all; the specification has no
# bound, but an answer needs one. /relations gives the others.
CHILDREN_MAX = 500

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Children:
    """The newest children of an event, the newest first, and of its thread how many are whose."""

    edits: list[Child] = field(default_factory=list)
    replies: list[Child] = field(default_factory=list)
    references: list[Child] = field(default_factory=list)
    replies_of: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Thread:
    latest: StoredEvent
    count: int
    has_participated: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one user is told with an event."""

    edit: StoredEvent | None
    thread: Thread | None
    reference_ids: list[str]

    @property
    def is_empty(self) -> bool:
        return self.edit is None and self.thread is None and not self.reference_ids


NOTHING = Children()


@dataclass(slots=True)
class Aggregations:
    """Those of one answer. `ignored`: whom its reader ignores."""

    viewer: Viewer
    txn: Any
    sights: Sights
    ignored: Collection[str]
    form: str = client_events.WITH_ROOM_ID
    _children: dict[int, Children] = field(default_factory=dict)
    # Where the newest replies do not do: more of them.
    _more_replies: dict[int, list[Child]] = field(default_factory=dict)
    _events: dict[int, StoredEvent] = field(default_factory=dict)
    _memberships: dict[int, str] = field(default_factory=dict)

    def write(
        self, stored: Sequence[StoredEvent], memberships: Mapping[int, str], last_join_depth: int
    ) -> list[msgspec.Raw]:
        """The JSON of events of one room, which the reader may see, with what is told with them."""
        depths = {one.room_nid: last_join_depth for one in stored[:1]}
        return self.write_of_rooms(stored, memberships, depths)

    def write_of_rooms(
        self,
        stored: Sequence[StoredEvent],
        memberships: Mapping[int, str],
        last_join_depths: Mapping[int, int],
    ) -> list[msgspec.Raw]:
        """The same of events of any rooms; the depths are by room_nid."""
        rooms: dict[int, list[StoredEvent]] = {}
        for one in stored:
            rooms.setdefault(one.room_nid, []).append(one)
        for is_in_room in (True, False):
            some = [
                one
                for one in stored
                if (last_join_depths[one.room_nid] == IS_IN_ROOM) is is_in_room
            ]
            self.prepare(some, is_in_room=is_in_room)
        bundles: dict[int, msgspec.Raw] = {}
        for room_nid, some in rooms.items():
            bundles |= self._bundles(some, last_join_depths[room_nid])
        viewer = replace(self.viewer, memberships=memberships, bundles=bundles)
        return client_events.write(viewer, self.txn, stored, self.form)

    def prepare(self, stored: Sequence[StoredEvent], *, is_in_room: bool) -> None:
        """Read what `write` will need for events, of any rooms, together. `is_in_room`: whether the
        reader is in them now.
        """
        if self.form == client_events.FEDERATION:
            return
        self._read(stored)
        deep = [
            one
            for one in stored
            if self._children_of(one).replies
            and one.event_nid not in self._more_replies
            and not (is_in_room and self._unignored(self._children_of(one).replies))
        ]
        if deep:
            self._more_replies |= self._more(deep, (0, CHILDREN_MAX, 0))
            self._load([reply for one in deep for reply in self._more_replies[one.event_nid]])
        # What relates to the newest reply is told with it.
        self._read(
            [
                self._events[reply.event_nid]
                for one in stored
                for reply in self._unignored(self._children_of(one).replies)[:1]
                if reply.event_nid in self._events
            ],
        )

    def _read(self, stored: Iterable[StoredEvent]) -> None:
        """The children of some events, and those of them that will be looked at."""
        parents = [
            one
            for one in stored
            if one.has_children and not one.event.is_state and one.event_nid not in self._children
        ]
        if not parents:
            return
        self._children |= _read_children(self.viewer.app, self.txn, parents)
        self._load(
            [
                child
                for one in parents
                for children in [self._children_of(one)]
                for child in (
                    *children.edits,
                    *children.references,
                    *self._unignored(children.replies)[:1],
                )
            ]
        )

    def _children_of(self, stored: StoredEvent) -> Children:
        return self._children.get(stored.event_nid, NOTHING)

    def _unignored(self, children: Sequence[Child]) -> list[Child]:
        return [child for child in children if child.sender not in self.ignored]

    def _load(self, children: Iterable[Child]) -> None:
        """The events of children, and what says who may see them."""
        keys = [
            (one.room_nid, one.event_nid) for one in children if one.event_nid not in self._events
        ]
        if not keys:
            return
        loaded = self.viewer.app.events.get_many(self.txn, keys)
        self._events |= loaded
        self.sights.preload(loaded.values())

    def _visible(self, children: Sequence[Child], last_join_depth: int) -> list[StoredEvent]:
        """Those that the reader may see and does not ignore, in their order."""
        wanted = self._unignored(children)
        self._load(wanted)
        # What is missing was deleted, and its parent was kept with what was known of it.
        stored = [
            self._events[child.event_nid] for child in wanted if child.event_nid in self._events
        ]
        seen, found = self.sights.select(stored, last_join_depth)
        self._memberships |= found
        return [one for one in seen if one.redacted_by_nid is None]

    def _bundles(
        self, stored: Sequence[StoredEvent], last_join_depth: int
    ) -> dict[int, msgspec.Raw]:
        """event_nid -> `m.relations`."""
        bundles: dict[int, Bundle] = {}
        below: dict[int, Bundle] = {}
        for one in stored:
            if one.event_nid not in self._children:
                continue
            thread = self._thread(one, last_join_depth)
            bundle = self._bundle(one, thread, last_join_depth)
            if not bundle.is_empty:
                bundles[one.event_nid] = bundle
            if thread is not None:
                # No thread begins within a thread, so it ends here.
                below[thread.latest.event_nid] = self._bundle(thread.latest, None, last_join_depth)
        if not bundles:
            return {}
        edits = [one.edit for one in (*bundles.values(), *below.values()) if one.edit is not None]
        latest = [one.thread.latest for one in bundles.values() if one.thread is not None]
        written = self._write_children(edits, {})
        within = {
            nid: _shown(bundle, written) for nid, bundle in below.items() if not bundle.is_empty
        }
        written |= self._write_children(latest, within)
        return {nid: _shown(bundle, written) for nid, bundle in bundles.items()}

    def _write_children(
        self, stored: Sequence[StoredEvent], bundles: Mapping[int, msgspec.Raw]
    ) -> dict[int, msgspec.Raw]:
        viewer = replace(self.viewer, memberships=self._memberships, bundles=bundles)
        written = client_events.write(viewer, self.txn, stored, self.form)
        return {one.event_nid: raw for one, raw in zip(stored, written, strict=True)}

    def _bundle(self, stored: StoredEvent, thread: Thread | None, last_join_depth: int) -> Bundle:
        children = self._children_of(stored)
        references = self._visible(children.references, last_join_depth)
        return Bundle(
            self._edit(stored, children, last_join_depth),
            thread,
            [one.event_id for one in reversed(references)],
        )

    def _edit(
        self, stored: StoredEvent, children: Children, last_join_depth: int
    ) -> StoredEvent | None:
        """The newest valid replacement."""
        # What was redacted has none.
        if not children.edits or stored.redacted_by_nid is not None:
            return None
        found = self._first_valid(stored, children.edits, last_join_depth)
        if found is None and len(children.edits) == EDITS_MAX:
            more = self._more([stored], (CHILDREN_MAX, 0, 0))[stored.event_nid]
            found = self._first_valid(stored, more, last_join_depth)
        return found

    def _first_valid(
        self, stored: StoredEvent, edits: Sequence[Child], last_join_depth: int
    ) -> StoredEvent | None:
        for one in self._visible(edits, last_join_depth):
            if relations.may_replace(stored.event, one.event):
                return one
        return None

    def _thread(self, stored: StoredEvent, last_join_depth: int) -> Thread | None:
        children = self._children_of(stored)
        if not children.replies:
            return None
        content = client_events.visible_pdu(stored)["content"]
        if not relations.may_start_thread(content):
            return None
        user_id = self.viewer.requester.user_id
        has_participated = stored.event.sender == user_id or user_id in children.replies_of
        if last_join_depth == IS_IN_ROOM:
            for newest in self._visible(children.replies, last_join_depth)[:1]:
                count = sum(
                    number
                    for sender, number in children.replies_of.items()
                    if sender not in self.ignored
                )
                return Thread(newest, count, has_participated)
        # The newest are not for this reader, or all that came after they left.
        replies = self._more_replies.get(stored.event_nid)
        if replies is None:
            replies = self._more([stored], (0, CHILDREN_MAX, 0))[stored.event_nid]
        seen = self._visible(replies, last_join_depth)
        return Thread(seen[0], len(seen), has_participated) if seen else None

    def _more(
        self, stored: Sequence[StoredEvent], limits: tuple[int, int, int]
    ) -> dict[int, list[Child]]:
        return stored_relations.list_newest(self.txn, list(map(_as_parent, stored)), limits)


def _shown(bundle: Bundle, written: Mapping[int, msgspec.Raw]) -> msgspec.Raw:
    shown: dict[str, Any] = {}
    if bundle.edit is not None:
        shown[relations.REPLACEMENT] = written[bundle.edit.event_nid]
    if bundle.thread is not None:
        shown[relations.THREAD] = {
            "latest_event": written[bundle.thread.latest.event_nid],
            "count": bundle.thread.count,
            "current_user_participated": bundle.thread.has_participated,
        }
    if bundle.reference_ids:
        chunk = [{"event_id": event_id} for event_id in bundle.reference_ids]
        shown[relations.REFERENCE] = {"chunk": chunk}
    return msgspec.Raw(_encode(shown))


def _as_parent(stored: StoredEvent) -> Parent:
    event = stored.event
    return Parent(stored.room_nid, stored.event_nid, stored.event_id, event.sender, event.type)


def _read_children(app: App, txn: Any, stored: Sequence[StoredEvent]) -> dict[int, Children]:
    """event_nid -> children; those that are not kept with their parents by two statements."""
    kept = {one.event_nid: one.children for one in stored}
    missing = [one for one in stored if one.children is None]
    if missing:
        changes = [one.children_changes for one in missing]
        limits = (EDITS_MAX, REPLIES_MAX, CHILDREN_MAX)
        parents = [_as_parent(one) for one in missing]
        newest = stored_relations.list_newest(txn, parents, limits)
        roots = [
            one
            for one in parents
            if any(child.rel_type == relations.THREAD for child in newest[one.event_nid])
        ]
        counts = stored_relations.count_in_threads(txn, roots) if roots else {}
        for one, before in zip(missing, changes, strict=True):
            found = newest[one.event_nid]
            children = Children(
                [child for child in found if child.rel_type == relations.REPLACEMENT],
                [child for child in found if child.rel_type == relations.THREAD],
                [child for child in found if child.rel_type == relations.REFERENCE],
                counts.get(one.event_nid, {}),
            )
            kept[one.event_nid] = children
            if one.children_changes == before:
                one.children = children
    return kept
