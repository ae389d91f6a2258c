"""Events that relate to others: what is refused to clients, and the rows of it. C-S API, "Forming
relationships between events".

Whatever an event says of another it may be sent; only a thread on what is related itself, and the
same annotation again, are refused. That is asked under the room's lock, so that of two workers that
are given the same reaction one refuses it. A redaction relates to nothing but what it redacts."""

from dataclasses import dataclass

from impl import errors
from impl.core import relations
from impl.core.event import Event
from impl.core.relations import Relation
from impl.services.room_events.open_room import Appended, OpenRoom
from impl.storage import relations as stored_relations
from impl.storage.events import StoredEvent
from impl.storage.timeline import NewRelation

REDACTION = "m.room.redaction"


@dataclass(frozen=True, slots=True)
class Kin:
    """What the rows of the timeline say of relations, by the event_nid of the row."""

    relations: dict[int, NewRelation]
    parent_nids: dict[int, int]


def check(room: OpenRoom, event: Event) -> None:
    """Raises Unknown for a thread within a thread, DuplicateAnnotation for an annotation that the
    sender made before.
    """
    relation = _read(event)
    if relation is None:
        return
    if relation.is_thread:
        _check_thread(room, relation)
    elif relation.rel_type == relations.ANNOTATION and relation.key is not None:
        _check_annotation(room, event, relation)


def _check_thread(room: OpenRoom, relation: Relation) -> None:
    nid = room.find_nid(relation.parent_event_id)
    if nid is None:
        return
    root = room.stored_by_nid([nid])[nid]
    # What was redacted is related to nothing any more.
    if not _is_redacted(room, root) and not relations.may_start_thread(root.event.content):
        raise errors.Unknown("m.relates_to: an event that relates to another cannot have a thread")


def _check_annotation(room: OpenRoom, event: Event, relation: Relation) -> None:
    parent_nid, same = stored_relations.look_up(
        room.txn,
        room.room_nid,
        relation.parent_event_id,
        (event.sender, event.type, relation.key),
    )
    if parent_nid is not None:
        room.found_nids[relation.parent_event_id] = parent_nid
    # Those that are not written yet as well.
    same += [
        one.new.event_nid
        for one in room.appended
        if one.new.event.sender == event.sender
        and one.new.event.type == event.type
        and _read(one.new.event) == relation
    ]
    if set(same) - _redacted_now(room):
        raise errors.DuplicateAnnotation("m.relates_to: you have annotated the event so already")


def _is_redacted(room: OpenRoom, stored: StoredEvent) -> bool:
    """Whether it was redacted, be it by this transaction."""
    return stored.redacted_by_nid is not None or stored.event_nid in _redacted_now(room)


def kin_of(room: OpenRoom, shown: list[Appended]) -> Kin:
    """Of the events that clients are shown. One look-up for all of them, if any relates to another
    at all; the parents are noted in the room as changed.
    """
    gone = _redacted_now(room)
    found: dict[int, NewRelation] = {}
    parent_event_ids: dict[int, str] = {}
    for one in shown:
        event, nid = one.new.event, one.new.event_nid
        is_redacted = one.placed.redacted_by_nid is not None or nid in gone
        relation = None if is_redacted else _read(event)
        if relation is not None:
            found[nid] = NewRelation(
                relation.parent_event_id,
                event.event_id,
                relation.rel_type,
                event.type,
                event.sender,
                relation.key,
                event.origin_server_ts,
            )
            parent_event_ids[nid] = relation.parent_event_id
    for nid, _, lost in _broken(room):
        parent_event_ids[nid] = lost
    if not parent_event_ids:
        return Kin(found, {})
    nids = room.find_nids(set(parent_event_ids.values()))
    parent_nids = {
        nid: nids[event_id] for nid, event_id in parent_event_ids.items() if event_id in nids
    }
    room.changed_parents.update(parent_nids.values())
    return Kin(found, parent_nids)


def rows_gone(room: OpenRoom) -> list[tuple[int, str, int]]:
    """(room_nid, parent_event_id, event_nid) of the relations that were redacted."""
    return [
        (room.room_nid, parent_event_id, redacted) for _, redacted, parent_event_id in _broken(room)
    ]


def _broken(room: OpenRoom) -> list[tuple[int, int, str]]:
    """(event_nid of the redaction, event_nid of the redacted, id of its parent)."""
    pairs = [
        (one.new.event_nid, one.placed.redacts_nid)
        for one in room.appended
        if one.placed.redacts_nid is not None
    ]
    if not pairs:
        return []
    redacted = room.events_by_nid([nid for _, nid in pairs])
    found = [(redaction, nid, _read(redacted[nid])) for redaction, nid in pairs]
    return [
        (redaction, nid, relation.parent_event_id)
        for redaction, nid, relation in found
        if relation is not None
    ]


def _redacted_now(room: OpenRoom) -> set[int]:
    return {one.placed.redacts_nid for one in room.appended if one.placed.redacts_nid is not None}


def _read(event: Event) -> Relation | None:
    return None if event.type == REDACTION else relations.read(event.content)
