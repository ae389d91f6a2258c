"""What a room looks like from outside: the same facts for the directory, for a summary and in a
space. C-S API, "Published room directory", "Spaces", GET /room_summary.

All of it is read for many rooms at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.core.room_version import ROOM_VERSIONS
from impl.requester import Requester
from impl.services import aliases, remote_spaces, room_previews, room_reading
from impl.services.time_limit import TimeLimit
from impl.storage import memberships, room_state, spaces
from impl.storage.rooms import Room

SHOWN_TYPES = (
    "m.room.avatar",
    "m.room.canonical_alias",
    "m.room.create",
    "m.room.encryption",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.name",
    "m.room.topic",
)

WAIT_S = 10.0
NO_SUCH_ROOM = "there is no such room, or you may not look into it"

Contents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Outline:
    """A room, how many are in it, and of its state the contents that are shown, by type."""

    room: Room
    joined: int
    contents: Contents

    def text(self, event_type: str, name: str) -> str | None:
        """What stands in a field, if it is a text."""
        value = self.contents.get(event_type, {}).get(name)
        return value if isinstance(value, str) and value else None


def read(app: App, txn: Any, room_nids: Sequence[int]) -> dict[int, Outline]:
    """room_nid -> its outline, for the rooms that there are."""
    known = app.rooms.get_by_nids(txn, room_nids)
    joined = memberships.count_joined(txn, room_nids)
    contents = read_contents(app, txn, room_nids, SHOWN_TYPES)
    return {
        nid: Outline(room, joined.get(nid, 0), contents.get(nid, {})) for nid, room in known.items()
    }


def read_contents(
    app: App, txn: Any, room_nids: Sequence[int], event_types: Sequence[str]
) -> dict[int, dict[str, dict[str, Any]]]:
    """room_nid -> type -> content, of what stands without a state key."""
    rows = [
        (room_nid, event_type, event_nid)
        for room_nid, event_type, state_key, event_nid in room_state.list_of_rooms(
            txn, room_nids, event_types
        )
        if state_key == ""
    ]
    loaded = app.events.get_many(txn, [(room_nid, nid) for room_nid, _, nid in rows])
    contents: dict[int, dict[str, dict[str, Any]]] = {}
    for room_nid, event_type, event_nid in rows:
        if event_nid in loaded:
            content = room_reading.content_of(loaded[event_nid])
            contents.setdefault(room_nid, {})[event_type] = content
    return contents


def in_directory(outline: Outline) -> dict[str, Any]:
    """PublicRoomsChunk."""
    text = outline.text
    shown = {
        "canonical_alias": text("m.room.canonical_alias", "alias"),
        "name": text("m.room.name", "name"),
        "topic": plain_topic(outline.contents.get("m.room.topic", {})),
        "avatar_url": text("m.room.avatar", "url"),
        # Left out, it would be taken for `public`; a room without the event is nothing of the kind.
        "join_rule": text("m.room.join_rules", "join_rule") or "invite",
        "room_type": text("m.room.create", "type"),
    }
    chunk: dict[str, Any] = {name: value for name, value in shown.items() if value is not None}
    chunk["room_id"] = outline.room.room_id
    chunk["num_joined_members"] = outline.joined
    visibility = text("m.room.history_visibility", "history_visibility")
    chunk["world_readable"] = visibility == "world_readable"
    chunk["guest_can_join"] = text("m.room.guest_access", "guest_access") == "can_join"
    return chunk


def in_summary(outline: Outline) -> dict[str, Any]:
    """RoomSummary: the same with what is needed to join."""
    chunk = in_directory(outline)
    chunk["room_version"] = outline.room.room_version
    encryption = outline.text("m.room.encryption", "algorithm")
    if encryption is not None:
        chunk["encryption"] = encryption
    rules = outline.contents.get("m.room.join_rules", {})
    allowed = room_previews.allowed_room_ids(ROOM_VERSIONS[outline.room.room_version], rules)
    if allowed:
        chunk["allowed_room_ids"] = allowed
    return chunk


def get(
    app: App, requester: Requester | None, room_id_or_alias: str, via: Sequence[str] = ()
) -> dict[str, Any]:
    """One room's summary, for who may look into it. What nobody may see is not there. Of a room
    that this server is not in others are asked, those first that `via` names.
    """
    room_id, servers = _resolve(app, room_id_or_alias)
    user_id = requester.user_id if requester is not None else None
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        if room is not None and room_reading.is_resident(txn, room):
            return _get_here(app, txn, room, user_id)
        servers = remote_spaces.servers_for(app, txn, room_id, user_id, [*via, *servers])
    return _get_elsewhere(app, room_id, user_id, servers)


def _resolve(app: App, room_id_or_alias: str) -> tuple[str, list[str]]:
    try:
        return aliases.resolve_either(app, room_id_or_alias)
    except errors.MatrixError as error:
        if error.status != 502:
            raise
        raise errors.NotFound(f"the alias cannot be looked up: {error.message}") from error


def _get_here(app: App, txn: Any, room: Room, user_id: str | None) -> dict[str, Any]:
    outline = read(app, txn, [room.room_nid]).get(room.room_nid)
    seen: Collection[int] = ()
    if outline is not None:
        contents = {room.room_nid: outline.contents}
        seen = room_previews.select(app, txn, user_id, {room.room_nid: room}, contents)
    if outline is None or room.room_nid not in seen:
        raise errors.NotFound(NO_SUCH_ROOM)
    summary = in_summary(outline)
    if user_id is not None:
        summary["membership"] = room_reading.membership(txn, room, user_id)
    return summary


def _get_elsewhere(
    app: App, room_id: str, user_id: str | None, servers: Sequence[str]
) -> dict[str, Any]:
    limit = TimeLimit(WAIT_S)
    # Of its children none is shown: the fewer are told the better.
    told = remote_spaces.ask(
        app,
        {room_id: servers},
        user_id=user_id,
        is_suggested_only=True,
        left_s=lambda: limit.left_s,
    ).get(room_id)
    if told is None:
        raise errors.NotFound(NO_SUCH_ROOM)
    with app.database.read() as txn:
        if not room_previews.select_elsewhere(txn, user_id, {room_id: told.summary}):
            raise errors.NotFound(NO_SUCH_ROOM)
        summary = dict(told.summary)
        if user_id is not None:
            own = spaces.list_memberships(txn, user_id, [room_id])
            summary["membership"] = own.get(room_id, "leave")
    return summary


def plain_topic(content: Mapping[str, Any]) -> str | None:
    """The topic as plain text: the text/plain form of `m.topic`, else `topic`."""
    block = content.get("m.topic")
    forms = block.get("m.text") if isinstance(block, dict) else None
    for form in forms if isinstance(forms, list) else ():
        if isinstance(form, dict) and form.get("mimetype", "text/plain") == "text/plain":
            body = form.get("body")
            if isinstance(body, str) and body:
                return body
    topic = content.get("topic")
    return topic if isinstance(topic, str) and topic else None
