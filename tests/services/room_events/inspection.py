"""What the database holds of a room, in the words of the pure rules."""

from collections import Counter

from impl.app import App
from impl.core import identifiers, state_trie
from impl.state_resolution import StateMap
from impl.storage import events, memberships, room_servers, room_state
from impl.storage.rooms import Head
from impl.storage.state_nodes import RoomNodes


def head_of(app: App, room_id: str) -> Head:
    with app.database.read() as txn:
        room = app.rooms.get(txn, room_id)
        assert room is not None
        txn.execute(
            """
            SELECT forward_extremities, depth_max, current_state_root
              FROM rooms
             WHERE room_nid = %s
            """,
            (room.room_nid,),
        )
        return Head(room, *txn.fetchone())


def state_of(app: App, room_id: str, root: int) -> StateMap:
    """A state by its root, as the pure rules write it."""
    room_nid = head_of(app, room_id).room.room_nid
    with app.database.read() as txn:
        entries = dict(state_trie.items(RoomNodes(txn, app.state_nodes, room_nid), root))
        keys = app.state_keys.get_keys(txn, entries)
        loaded = app.events.get_many(txn, [(room_nid, nid) for nid in entries.values()])
    return {keys[key]: loaded[nid].event_id for key, nid in entries.items()}


def stored(app: App, room_id: str, event_id: str) -> events.StoredEvent:
    with app.database.read() as txn:
        found = events.get_by_id(txn, head_of(app, room_id).room.room_nid, event_id)
    assert found is not None
    return found


def extremity_ids(app: App, room_id: str) -> set[str]:
    head = head_of(app, room_id)
    with app.database.read() as txn:
        keys = [(head.room.room_nid, nid) for nid in head.forward_extremities]
        return {one.event_id for one in app.events.get_many(txn, keys).values()}


def assert_tables_say(app: App, room_id: str, expected: StateMap) -> None:
    """The tables beside the trie hold the same state."""
    head = head_of(app, room_id)
    assert state_of(app, room_id, head.current_state_root) == expected
    with app.database.read() as txn:
        nids = room_state.list_all(txn, head.room.room_nid)
        keys = [(head.room.room_nid, nid) for nid in nids.values()]
        loaded = app.events.get_many(txn, keys)
        assert {key: loaded[nid].event_id for key, nid in nids.items()} == expected
        members = {
            one.user_id: one.event_nid
            for membership in ("join", "leave", "ban", "invite", "knock")
            for one in memberships.list_of_room(txn, head.room.room_nid, membership)
        }
        txn.execute(
            """
            SELECT r.joined_count,
                   (SELECT count(*)
                      FROM room_members m
                     WHERE m.room_nid = r.room_nid
                       AND m.membership = 'join')
              FROM rooms r
             WHERE r.room_nid = %s
            """,
            (head.room.room_nid,),
        )
        kept, counted = txn.fetchone()
    assert members == {key[1]: nid for key, nid in nids.items() if key[0] == "m.room.member"}
    assert kept == counted
    _assert_servers_are_counted(app, head.room.room_nid)


def _assert_servers_are_counted(app: App, room_nid: int) -> None:
    with app.database.read() as txn:
        now = room_servers.get(txn, room_nid)
        joined = memberships.list_of_room(txn, room_nid, "join")
        txn.execute("SELECT has_other_servers FROM rooms WHERE room_nid = %s", (room_nid,))
        has_others = txn.fetchone()[0]
    counted = Counter(identifiers.server_name_of(one.user_id) for one in joined)
    del counted[app.server_name]
    assert now is not None
    assert now.joined_counts == counted
    assert has_others == bool(counted)


def timeline_ids(app: App, room_id: str) -> list[str]:
    with app.database.read() as txn:
        txn.execute(
            """
            SELECT e.event_id
              FROM timeline t
              JOIN events e USING (room_nid, event_nid)
             WHERE t.room_nid = %s
             ORDER BY t.position
            """,
            (head_of(app, room_id).room.room_nid,),
        )
        return [row[0] for row in txn.fetchall()]
