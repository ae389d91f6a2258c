"""Events as clients get them. C-S API, "Room event format", "Redactions".

Theory. The JSON of an event is nearly the same for everybody: made once, kept on the stored event,
and spliced. Only `unsigned` differs: the age, the transaction id for the device that sent it, and
the membership of who asks. So the bytes of everything else are cached, and an answer to two hundred
pollers copies them. What a state event replaced, and what redacted an event, may be redacted
themselves one day: they are looked up anew, in the cache of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from impl.app import App
from impl.core import property_path, redaction, state_trie
from impl.core.event import Event
from impl.requester import Requester
from impl.storage import state_nodes
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

WITH_ROOM_ID = "with room_id"
WITHOUT_ROOM_ID = "without room_id"
FEDERATION = "federation"
_REPLACED = "replaced"
_MEMBERSHIPS = {
    membership: b',"membership":"%s"' % membership.encode()
    for membership in ("join", "leave", "invite", "ban", "knock")
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """For whom events are written. `memberships` are theirs at each event, by event_nid, where it
    is known; `bundles` what `m.relations` is to say of each for them (aggregations.py).
    """

    app: App
    requester: Requester
    memberships: Mapping[int, str] = field(default_factory=dict)
    bundles: Mapping[int, msgspec.Raw] = field(default_factory=dict)
    # Of the filter: which fields are wanted; () is all.
    event_fields: tuple[str, ...] = ()


def write(
    viewer: Viewer, txn: Any, stored: Sequence[StoredEvent], form: str = WITH_ROOM_ID
) -> list[msgspec.Raw]:
    """The events' JSON, in their order."""
    if form == FEDERATION:
        # The id as well, which the PDU lacks since version 3: clients know an event by it.
        return [
            msgspec.Raw(_encode({**visible_pdu(one), "event_id": one.event_id})) for one in stored
        ]
    return _write(viewer, stored, form, _context(viewer.app, txn, stored, with_replaced=True))


def write_state(
    viewer: Viewer, txn: Any, stored: Sequence[StoredEvent], form: str = WITH_ROOM_ID
) -> list[msgspec.Raw]:
    """Events of a state. What each of them replaced, perhaps years ago, is not looked up: it may be
    from before the time of who asks, who may see what is but not what was.
    """
    if form == FEDERATION:
        return write(viewer, txn, stored, form)
    return _write(viewer, stored, form, _context(viewer.app, txn, stored, with_replaced=False))


def _write(
    viewer: Viewer, stored: Sequence[StoredEvent], form: str, context: Mapping[int, bytes]
) -> list[msgspec.Raw]:
    now_ms = viewer.app.now_ms()
    written = [_splice(viewer, one, form, now_ms, context) for one in stored]
    if viewer.event_fields:
        fields = viewer.event_fields
        return [
            msgspec.Raw(_encode(property_path.project(_decode(raw), fields))) for raw in written
        ]
    return written


def as_redacted(stored: StoredEvent) -> StoredEvent:
    """The event as it would be if it were redacted."""
    event = stored.event
    pdu = redaction.redact(event.pdu, event.room_version)
    return stored.with_event(Event(pdu, event.room_version, stored.event_id))


def visible_pdu(stored: StoredEvent) -> dict[str, Any]:
    """The event's JSON as anybody may see it: redacted, if it was."""
    if stored.redacted_by_nid is None:
        return stored.event.pdu
    return redaction.redact(stored.event.pdu, stored.event.room_version)


def stripped(stored: StoredEvent) -> dict[str, Any]:
    """C-S API, "Stripped state": what is shown of a room to who is not in it."""
    event = stored.event
    return {
        "type": event.type,
        "state_key": event.state_key,
        "content": visible_pdu(stored)["content"],
        "sender": event.sender,
    }


def _splice(
    viewer: Viewer, stored: StoredEvent, form: str, now_ms: int, context: Mapping[int, bytes]
) -> msgspec.Raw:
    forms = stored.forms
    head = forms.get(form)
    if head is None:
        head = forms[form] = (_head(stored, form), stored.event.origin_server_ts)
    parts = [head[0], b"%d" % max(0, now_ms - head[1])]
    membership = viewer.memberships.get(stored.event_nid)
    if membership is not None:
        parts.append(_MEMBERSHIPS.get(membership, b""))
    requester = viewer.requester
    if (
        stored.txn_id is not None
        and stored.sender_device_id == (requester.device_id or "")
        and stored.event.sender == requester.user_id
    ):
        parts.append(b',"transaction_id":' + _encode(stored.txn_id))
    if (more := context.get(stored.event_nid)) is not None:
        parts.append(more)
    if (bundle := viewer.bundles.get(stored.event_nid)) is not None:
        parts.append(b',"m.relations":' + bytes(bundle))
    parts.append(b"}}")
    return msgspec.Raw(b"".join(parts))


def _head(stored: StoredEvent, form: str) -> bytes:
    """Everything up to the number of milliseconds in `unsigned`."""
    return _encode(_shown(stored, form))[:-1] + b',"unsigned":{"age":'


def _shown(stored: StoredEvent, form: str) -> dict[str, Any]:
    pdu = visible_pdu(stored)
    event = stored.event
    shown: dict[str, Any] = {
        "type": pdu["type"],
        "sender": pdu["sender"],
        "content": pdu["content"],
        "event_id": stored.event_id,
        "origin_server_ts": pdu["origin_server_ts"],
    }
    if "state_key" in pdu:
        shown["state_key"] = pdu["state_key"]
    if form == WITH_ROOM_ID:
        shown["room_id"] = event.room_id
    if event.type == "m.room.redaction" and event.redacts and stored.redacted_by_nid is None:
        # Rooms, version 11: clients find it in either place, whatever the version.
        shown["redacts"] = event.redacts
        shown["content"] = {**pdu["content"], "redacts": event.redacts}
    return shown


def _context(
    app: App, txn: Any, stored: Sequence[StoredEvent], *, with_replaced: bool
) -> dict[int, bytes]:
    """event_nid -> what `unsigned` says of other events: what was replaced, and by what it was
    redacted.
    """
    wanted: list[tuple[int, int]] = []
    special: list[tuple[StoredEvent, int]] = []
    if with_replaced:
        _look_up_replaced(app, txn, [one for one in stored if one.event.is_state])
    for one in stored:
        replaced = one.forms[_REPLACED] if with_replaced and one.event.is_state else 0
        if replaced:
            wanted.append((one.room_nid, replaced))
        if one.redacted_by_nid is not None:
            wanted.append((one.room_nid, one.redacted_by_nid))
        if replaced or one.redacted_by_nid is not None:
            special.append((one, replaced))
    if not special:
        return {}
    others = app.events.get_many(txn, wanted)
    return {
        one.event_nid: _encode_context(others.get(replaced), others.get(one.redacted_by_nid or 0))
        for one, replaced in special
    }


def _encode_context(before: StoredEvent | None, redacted_by: StoredEvent | None) -> bytes:
    unsigned: dict[str, Any] = {}
    if before is not None:
        unsigned["replaces_state"] = before.event_id
        unsigned["prev_content"] = visible_pdu(before)["content"]
        unsigned["prev_sender"] = before.event.sender
    if redacted_by is not None:
        unsigned["redacted_because"] = _shown(redacted_by, WITH_ROOM_ID)
    return b"," + _encode(unsigned)[1:-1] if unsigned else b""


def _look_up_replaced(app: App, txn: Any, stored: Sequence[StoredEvent]) -> None:
    """Note with each state event the event_nid of the one whose place it took; 0: none."""
    unknown = [one for one in stored if _REPLACED not in one.forms]
    if not unknown:
        return
    key_nids = app.state_keys.get_nids(txn, {one.event.key for one in unknown})
    places = [
        (one, one.state_before or state_trie.EMPTY, key_nids.get(one.event.key)) for one in unknown
    ]
    # A page of joins would look for each on a path of its own.
    paths = [(one.room_nid, root, [key]) for one, root, key in places if key is not None]
    state_nodes.preload_paths(txn, app.state_nodes, paths)
    for one, root, key in places:
        nodes = RoomNodes(txn, app.state_nodes, one.room_nid)
        nid = state_trie.get(nodes, root, key) if key is not None else None
        one.forms[_REPLACED] = nid or 0
