"""Joining a room through this server. S-S API, "Joining Rooms", "Restricted rooms"."""

from collections.abc import Collection
from typing import Any

import msgspec
from pyroaring import BitMap64

from impl import errors
from impl.app import App
from impl.core import identifiers, signing, state_trie
from impl.core.event import Event
from impl.services import rate_limiting
from impl.services.federation_serving import admission, asker, handshake, pdus, state
from impl.services.restricted_joins import AUTHORISED_VIA
from impl.services.room_events.auth_chains import AuthChains
from impl.storage import room_servers, sync_rooms
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes

MEMBER = "m.room.member"
# C-S API, "Syncing", `m.heroes`: so many, where neither of these names the room.
HEROES = 5
NAMING = {("m.room.name", ""): "name", ("m.room.canonical_alias", ""): "alias"}


def make(
    app: App, origin: str, room_id: str, user_id: str, versions: Collection[str]
) -> dict[str, Any]:
    """The template of a join. Raises LimitExceeded where too many come in for it to be of use."""
    asker.check_own_user(origin, user_id)
    content: dict[str, Any] = {"membership": "join"}
    with app.database.read() as txn:
        asking = asker.open_whole_room(app, txn, origin, room_id)
        handshake.check_version(asking.room, versions)
        if admission.check(asking, user_id):
            content[AUTHORISED_VIA] = admission.voucher(asking)
    rate_limiting.check(app, "rc_joins_per_room", room_id)
    return handshake.template(app, asking.room, user_id, content)


def send(
    app: App,
    origin: str,
    room_id: str,
    event_id: str,
    pdu: dict[str, Any],
    *,
    omits_members: bool,
) -> dict[str, Any]:
    """Take a join into the room, and answer with the state that it stands on.

    Who comes in counts against the room's allowance: a storm of joins goes by, and the room stays
    with those who are there. S-S API, PUT /send_join."""
    with app.database.read() as txn:
        asking = asker.open_whole_room(app, txn, origin, room_id)
        event = handshake.parse(asking.room, origin, event_id, pdu, "join")
        admission.check(asking, event.sender)
    event = handshake.check(app, _vouched(app, event))
    rate_limiting.spend(app, "rc_joins_per_room", room_id)
    stored = handshake.append(app, asking.room, event)
    with state.large_answer(app), app.database.read() as txn:
        told = _Told(app, txn, asking.room, stored)
        if not omits_members:
            return told.whole()
        servers = {app.server_name, *room_servers.list_of_room(txn, asking.room.room_nid)}
        if not asking.is_in_room:
            servers.discard(origin)
        return {**told.without_members(), "servers_in_room": sorted(servers)}


def _vouched(app: App, event: Event) -> Event:
    """With our signature, where it names a user of ours who vouches for it: it was looked at
    whether they may.
    """
    voucher = event.content.get(AUTHORISED_VIA)
    if not event.room_version.restricted_join or not identifiers.is_user_id(voucher):
        return event
    if identifiers.server_name_of(str(voucher)) != app.server_name:
        return event
    pdu = signing.countersign_event(event.pdu, event.room_version, app.server_name, app.signing_key)
    return Event(pdu, event.room_version, event.event_id)


class _Told:
    """What is answered to a join that stands in the room."""

    def __init__(self, app: App, txn: Any, room: Room, stored: StoredEvent) -> None:
        if stored.state_before is None:
            raise errors.NotFound("the state at the event is not known here")
        self._app = app
        self._txn = txn
        self._room_nid = room.room_nid
        self._stored = stored
        self._root = stored.state_before
        self._nodes = RoomNodes(txn, app.state_nodes, room.room_nid)
        self._chains = AuthChains(app, txn, room.room_nid, {})

    def whole(self) -> dict[str, Any]:
        nids = [nid for _, nid in state_trie.items(self._nodes, self._root)]
        chain = self._chains.union_of_state(self._nodes, self._root, ())
        chain |= self._chains.union([self._stored.event_nid])
        return self._write(nids, chain)

    def without_members(self) -> dict[str, Any]:
        entries = dict(state_trie.items(self._nodes, self._root))
        keys = self._app.state_keys.get_keys(self._txn, entries)
        nids = [nid for key_nid, nid in entries.items() if keys[key_nid][0] != MEMBER]
        naming = [nid for key_nid, nid in entries.items() if keys[key_nid] in NAMING]
        if not self._is_named(naming):
            nids += self._heroes()
        chain = self._chains.union([*nids, self._stored.event_nid])
        # Whoever can take this answer has these already.
        chain -= BitMap64(nids)
        return {**self._write(nids, chain), "members_omitted": True}

    def _write(self, nids: Collection[int], chain: Collection[int]) -> dict[str, Any]:
        app, txn, room_nid = self._app, self._txn, self._room_nid
        return {
            "state": pdus.write_many(app, txn, room_nid, nids),
            "auth_chain": pdus.write_many(app, txn, room_nid, chain),
            "event": msgspec.Raw(self._stored.json()),
        }

    def _is_named(self, naming_nids: Collection[int]) -> bool:
        keys = [(self._room_nid, nid) for nid in naming_nids]
        loaded = self._app.events.get_many(self._txn, keys).values()
        return any(one.event.content.get(NAMING[one.event.key]) for one in loaded)

    def _heroes(self) -> list[int]:
        """The memberships of those after whom clients name the room."""
        first = sync_rooms.list_first_members(self._txn, [self._room_nid], HEROES + 1)
        people = first[self._room_nid]
        others = [user_id for user_id, _ in people if user_id != self._stored.event.sender]
        keys = [(MEMBER, user_id) for user_id in others[:HEROES]]
        key_nids = self._app.state_keys.get_nids(self._txn, keys)
        found = state_trie.get_many(self._nodes, self._root, key_nids.values())
        return list(found.values())
