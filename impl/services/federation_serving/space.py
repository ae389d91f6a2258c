"""A space and its children, for other servers. S-S API, "Spaces".

The other server asks for all of its users: it learns of what one of them may see, and judges by
itself which of them may."""

from collections.abc import Sequence
from typing import Any

from impl import errors
from impl.app import App
from impl.services import room_previews, room_summaries, server_acl, space_tree
from impl.services.federation_serving import asker
from impl.storage import spaces

# Synapse's: of a larger space the first children are told of.
CHILDREN_MAX = 50


def hierarchy(app: App, origin: str, room_id: str, *, is_suggested_only: bool) -> dict[str, Any]:
    """A room with the children that it names, and what those look like of which we know."""
    with app.database.read() as txn:
        room = asker.open_room(app, txn, origin, room_id).room
        here = space_tree.read_here(app, txn, [room.room_nid], is_suggested_only=is_suggested_only)
        if not room_previews.select_for_server(txn, origin, here.rooms, here.contents):
            raise errors.NotFound("there is no such room, or nobody of your server may see it")
        children = here.children.get(room.room_nid, ())
        ids = [one.room_id for one in children[:CHILDREN_MAX]]
        shown, hidden = _children(app, txn, origin, ids)
        outlines = room_summaries.read(app, txn, [room.room_nid, *shown.values()])
    told = {nid: room_summaries.in_summary(outline) for nid, outline in outlines.items()}
    return {
        "room": {**told[room.room_nid], "children_state": [one.stripped for one in children]},
        "children": [told[nid] for nid in shown.values() if nid in told],
        "inaccessible_children": hidden,
    }


def _children(
    app: App, txn: Any, origin: str, room_ids: Sequence[str]
) -> tuple[dict[str, int], list[str]]:
    """room_id -> room_nid of those of the rooms that may be shown, and those that may not; of
    others we know nothing.
    """
    nids = spaces.list_here(txn, room_ids) if room_ids else []
    here = space_tree.read_here(app, txn, nids, is_suggested_only=False)
    seen = room_previews.select_for_server(txn, origin, here.rooms, here.contents)
    seen -= server_acl.list_denying(app, txn, seen, origin) if seen else set()
    by_id = {room.room_id: nid for nid, room in here.rooms.items()}
    shown = {one: by_id[one] for one in room_ids if by_id.get(one) in seen}
    return shown, [one for one in room_ids if one in by_id and one not in shown]
