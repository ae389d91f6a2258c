"""Who is in a room. C-S API, "Getting events for a room": /members, /joined_members."""

from array import array
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import history_visibility, identifiers, state_trie, stream_token
from impl.core.rejection import Malformed
from impl.core.stream_token import HistoryToken
from impl.requester import Requester
from impl.services import client_events, history_page, room_reading
from impl.services.client_events import Viewer
from impl.services.remote_history import waiting
from impl.storage import history, memberships, timeline
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes

MEMBER = "m.room.member"
# Of all states together: eight megabytes.
NIDS_KEPT_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Which:
    """Which members: those of one membership, or not of another; at a token's place."""

    at: str | None = None
    membership: str | None = None
    not_membership: str | None = None

    def includes(self, membership: object) -> bool:
        if self.membership is None and self.not_membership is None:
            return True
        # Either condition will do.
        is_named = self.membership is not None and membership == self.membership
        return is_named or (self.not_membership is not None and membership != self.not_membership)


def members(app: App, requester: Requester, room_id: str, which: Which) -> list[msgspec.Raw]:
    """The membership events of a room, as it is, as it was at a place, or as the requester left
    it.
    """
    waiting.until_whole(app, room_id)
    with app.database.read() as txn:
        room, root = room_reading.visible_root(app, txn, room_id, requester.user_id)
        if which.at is not None:
            root = _root_at(app, txn, room, requester.user_id, which.at, root)
        nids = _member_nids(app, txn, room.room_nid, root)
        loaded = app.events.get_many(txn, [(room.room_nid, nid) for nid in nids])
        wanted = [loaded[nid] for nid in nids if which.includes(loaded[nid].event.membership)]
        return client_events.write_state(Viewer(app, requester), txn, wanted)


class _Kept:
    """The memberships in some states, by their roots: a state does not change, so they do not."""

    def __init__(self, app: App) -> None:
        self._nids: OrderedDict[int, array[int]] = OrderedDict()
        self._size = 0

    def get(self, root: int) -> "array[int] | None":
        return self._nids.get(root)

    def keep(self, root: int, nids: "array[int]") -> None:
        if root in self._nids:
            return  # Somebody else worked it out at the same time.
        self._nids[root] = nids
        self._size += len(nids)
        while self._size > NIDS_KEPT_MAX:
            self._size -= len(self._nids.popitem(last=False)[1])


def _member_nids(app: App, txn: Any, room_nid: int, root: int) -> "array[int]":
    """The event_nids of the memberships in a state, in their order."""
    kept = app.part(_Kept, _Kept)
    nids = kept.get(root)
    if nids is None:
        state = dict(state_trie.items(RoomNodes(txn, app.state_nodes, room_nid), root))
        keys = app.state_keys.get_keys(txn, state)
        nids = array("q", sorted(nid for key, nid in state.items() if keys[key][0] == MEMBER))
        kept.keep(root, nids)
    return nids


def _root_at(app: App, txn: Any, room: Room, user_id: str, at: str, root: int) -> int:
    try:
        place = stream_token.parse(at)
    except Malformed as error:
        raise errors.InvalidParam("at is not a token of this server") from error
    position = place.position
    departure = memberships.get_last_departure(txn, room.room_nid, user_id)
    left = app.events.get(txn, room.room_nid, departure) if departure is not None else None
    if left is not None and left.state_after == root:
        row = timeline.get_of_event(txn, room.room_nid, left.event_nid, left.event.depth)
        if row is not None and row.position <= position:
            return root
    then = timeline.get_state_root_at(txn, room.room_nid, position) or state_trie.EMPTY
    # Who was there before one's time is history as well.
    reader = history_page.open_room(app, txn, room.room_id, user_id)
    sight = reader.sights.at(room.room_nid, then)
    if isinstance(place, HistoryToken):
        topological = place.topological
    else:
        topological, _ = history.get_place(txn, room.room_nid, position)
    if not history_visibility.may_see(sight, sight, topological < reader.last_join_depth):
        raise errors.Forbidden("you may not see who was in the room then")
    return then


def joined_members(app: App, requester: Requester, room_id: str) -> dict[str, dict[str, str]]:
    """user_id -> profile, of those who are in the room; for them, and for an application service
    that has a user among them.
    """
    waiting.until_whole(app, room_id)
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        own = room_reading.membership(txn, room, requester.user_id) if room is not None else ""
        if room is None or (own != "join" and requester.appservice_id is None):
            raise errors.Forbidden("you are not in this room")
        joined = memberships.list_of_room(txn, room.room_nid, "join")
    if own != "join" and not any(_is_of_service(app, requester, one.user_id) for one in joined):
        raise errors.Forbidden("you are not in this room")
    return {
        member.user_id: {
            key: value
            for key, value in (
                ("display_name", member.display_name),
                ("avatar_url", member.avatar_url),
            )
            if value is not None
        }
        for member in joined
    }


def _is_of_service(app: App, requester: Requester, user_id: str) -> bool:
    return identifiers.server_name_of(user_id) == app.server_name and any(
        service.id == requester.appservice_id and service.is_interested_in("users", user_id)
        for service in app.config.application_services
    )
