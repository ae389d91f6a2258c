"""GET /sync: from `since` to `next_batch`, section by section. C-S API, "Syncing".

Theory. The stream is one line of positions, so a sync is a question about a window: what happened
in (since, M] that concerns this user, where M is how far this worker has read the stream. The next
window begins where this one ends: nothing is told twice, and nothing is missed.

The worker knows from the news which rooms and users moved (storage/notifier.py). If neither the
user nor one of their rooms moved after `since`, the database is not asked. Otherwise only the rooms
that moved are, all of them in the same few statements, and once for all users who ask for the same
(room_deltas.py)."""

import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import msgspec

from impl.app import App
from impl.requester import Requester
from impl.services.device_lists import news as device_list_news
from impl.services.presence import polling
from impl.services.sync import (
    device_lists,
    gone_rooms,
    ignored_users,
    joined_rooms,
    key_counts,
    other_rooms,
    presence,
    request,
    room_deltas,
    rooms_moved,
    to_device,
    wait,
)
from impl.services.sync.request import Question, Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.services.sync.rooms_moved import RoomsMoved
from impl.storage import account_data

AccountData = list[tuple[str, str, str]]


def answer(app: App, requester: Requester, question: Question) -> dict[str, Any]:
    """The answer: at once if there is something to tell, else when there is, or when the time is
    over. Meanwhile the user is online, or what the question says.
    """
    with polling(app, requester, question.set_presence):
        return _answer(app, requester, question)


def _answer(app: App, requester: Requester, question: Question) -> dict[str, Any]:
    since = request.read_since(question.since)
    wanted = request.read_filter(app, requester.user_id, question.filter)
    asked = Sync(app, requester, wanted, 0, 0, question.is_full_state, question.use_state_after)
    if since is None:
        return _initial(asked)
    to_device.acknowledge(app, requester, since)
    # A token without it begins a chain: nothing is known of what went before.
    asked = replace(asked, chain=since.position if since.start is None else since.start)
    if since.position > app.news.position:
        app.news.catch_up()
    # A token of the future is one of a database that was restored to the past: from now on, then.
    after = min(since.position, app.news.position)
    asked = replace(asked, heard=after if since.to_device is None else min(after, since.to_device))
    if asked.is_full_state:
        sync = replace(asked, since=after, up_to=app.news.position)
        return _incremental(sync, app.news.joined_rooms(requester.user_id))
    return _poll(asked, after, min(question.timeout_ms, wait.TIMEOUT_MS_MAX))


def _poll(asked: Sync, since: int, timeout_ms: int) -> dict[str, Any]:
    app, user_id = asked.app, asked.user_id
    deadline = time.monotonic() + timeout_ms / 1000
    while True:
        sync = replace(asked, since=since, up_to=app.news.position)
        joined = app.news.joined_rooms(user_id)
        has_moved = wait.has_moved(app, user_id, joined, since) or to_device.is_behind(sync)
        if has_moved or _others_have_moved(sync, joined):
            found = _incremental(sync, joined)
            if _has_news(found):
                return found
        since = sync.up_to
        asked = replace(asked, heard=since)
        left_ms = (deadline - time.monotonic()) * 1000
        if _others_have_moved(replace(sync, since=since), joined):
            continue  # While it was looked whether there was something.
        if not wait.until_moved(app, user_id, joined, since, left_ms):
            return _frame(sync)


def _others_have_moved(sync: Sync, joined: Collection[int]) -> bool:
    """Whether there may be something of those with whom the user shares rooms, and not in these.
    Nothing waits between the last look and the answer.
    """
    news = device_list_news(sync.app)
    while True:
        heard = news.heard
        if device_lists.has_moved(sync, joined) or presence.has_moved(sync, joined):
            return True
        # The second look may have waited, and the first is old then.
        if heard == news.heard:
            return False


def _frame(sync: Sync) -> dict[str, Any]:
    """An answer in which nothing is told."""
    supply = key_counts.get(sync.app, sync.requester)
    return {
        "next_batch": sync.next_batch,
        "account_data": {"events": []},
        "presence": {"events": []},
        "rooms": {"join": {}, "invite": {}, "knock": {}, "leave": {}},
        "to_device": {"events": sync.messages},
        "device_lists": {"changed": [], "left": []},
        "device_one_time_keys_count": supply.counts,
        "device_unused_fallback_key_types": supply.unused_fallback,
    }


def _has_news(found: dict[str, Any]) -> bool:
    return (
        bool(found["account_data"]["events"])
        or bool(found["to_device"]["events"])
        or bool(found["presence"]["events"])
        or any(found["device_lists"].values())
        or any(found["rooms"].values())
    )


def _initial(asked: Sync) -> dict[str, Any]:
    app = asked.app
    ignored = ignored_users.get(app, asked.user_id)
    up_to = app.news.position
    sync = to_device.load(replace(asked, up_to=up_to, chain=up_to, ignored=ignored))
    with app.database.read() as txn:
        data = account_data.list_changed(txn, sync.user_id, 0, sync.up_to)
        moved = rooms_moved.of_initial(sync, txn)
        rooms_moved.heed_partial(sync, txn, moved)
    return _write(sync, moved, data, moved.joined)


def _incremental(asked: Sync, joined: Collection[int]) -> dict[str, Any]:
    """`joined`: the rooms that the user was in at the end of the window, neither earlier nor
    later.
    """
    app, user_id = asked.app, asked.user_id
    sync = to_device.load(replace(asked, ignored=ignored_users.get(app, user_id)))
    changed = list(joined) if sync.is_full_state else app.news.changed_rooms(joined, sync.since)
    has_user_moved = app.news.user_position(user_id) > sync.since
    data: AccountData = []
    with app.database.read() as txn:
        if has_user_moved:
            data = account_data.list_changed(txn, user_id, sync.since, sync.up_to)
        moved = rooms_moved.since(sync, txn, changed, has_user_moved)
        rooms_moved.heed_partial(sync, txn, moved)
        if any(after == rooms_moved.BEGINNING for after in moved.joined.values()):
            # Who left a room and is back may have thrown away which members they knew.
            sync = replace(sync, chain=sync.up_to)
            data = _with_data_of_new_rooms(sync, txn, moved, data)
        for room_id in {room_id for room_id, _, _ in data if room_id}:
            room = app.rooms.get(txn, room_id)
            if room is None or rooms_moved.is_hidden(sync, room):
                continue
            if room.room_nid in joined:
                moved.joined.setdefault(room.room_nid, sync.since)
    return _write(sync, moved, data, joined)


def _with_data_of_new_rooms(
    sync: Sync, txn: Any, moved: RoomsMoved, data: AccountData
) -> AccountData:
    """A room that is new to the client comes with all account data that it has."""
    new = [nid for nid, after in moved.joined.items() if after == rooms_moved.BEGINNING]
    room_ids = {room.room_id for room in sync.app.rooms.get_by_nids(txn, new).values()}
    everything = account_data.list_changed(txn, sync.user_id, 0, sync.up_to)
    return [row for row in data if row[0] not in room_ids] + [
        row for row in everything if row[0] in room_ids
    ]


def _write(
    sync: Sync, moved: RoomsMoved, data: AccountData, in_rooms: Collection[int]
) -> dict[str, Any]:
    """`in_rooms`: all that the user is in at the end of the window."""
    app, in_rooms = sync.app, frozenset(in_rooms)
    has_memberships = moved.has_memberships()
    # Those that the client does not know, with whoever is in them.
    new = [nid for nid, after in moved.joined.items() if after == rooms_moved.BEGINNING]
    with app.database.read() as txn:
        rooms = app.rooms.get_by_nids(txn, moved.nids())
    wanted = sync.filter.rooms
    moved.keep({nid for nid, room in rooms.items() if wanted.passes_room(room.room_id)})
    # On a connection of its own, and only while it reads: others may wait for what it finds.
    deltas = _load(sync, moved)
    if moved.completed:
        with app.database.read() as txn:
            room_deltas.add_members(txn, [deltas[nid] for nid in moved.completed & deltas.keys()])
    joined = {nid: deltas[nid] for nid in moved.joined}
    found = _frame(sync)
    found["account_data"] = {"events": _own_data(sync, data)}
    everybody = in_rooms if sync.is_full_state else new
    found["presence"] = {"events": presence.write(sync, in_rooms, everybody, joined.values())}
    found["device_lists"] = device_lists.write(
        sync, in_rooms, joined, has_other_rooms=has_memberships
    )
    room_data = _room_data(sync, data)
    with app.database.read() as txn:
        found["rooms"] = {
            "join": joined_rooms.write(sync, txn, rooms, joined, moved.rejoined, room_data),
            "invite": other_rooms.write_invited(sync, txn, rooms, moved.invited),
            "knock": other_rooms.write_knocked(sync, txn, rooms, moved.knocked),
            "leave": other_rooms.write_left(sync, txn, rooms, moved.left, deltas, room_data),
        }
        told = {room_id for section in found["rooms"].values() for room_id in section}
        found["rooms"]["leave"] |= gone_rooms.write(sync, txn, told)
    return found


def _load(sync: Sync, moved: RoomsMoved) -> dict[int, RoomDelta]:
    windows = [(nid, after, sync.up_to) for nid, after in moved.joined.items()]
    own = [
        (nid, left.after, left.departure)
        for nid, left in moved.left.items()
        if left.after is not None
    ]
    return room_deltas.load(sync.app, windows, own, sync.read_limit)


def _own_data(sync: Sync, data: AccountData) -> list[dict[str, Any]]:
    wanted = sync.filter.account_data
    return [
        {"type": data_type, "content": msgspec.Raw(content.encode())}
        for room_id, data_type, content in data
        if not room_id and wanted.passes(data_type, None, {})
    ]


def _room_data(sync: Sync, data: AccountData) -> dict[str, list[dict[str, Any]]]:
    wanted = sync.filter.room_account_data
    by_room: dict[str, list[dict[str, Any]]] = {}
    for room_id, data_type, content in data:
        if room_id and wanted.passes_room(room_id) and wanted.passes(data_type, None, {}):
            one = {"type": data_type, "content": msgspec.Raw(content.encode())}
            by_room.setdefault(room_id, []).append(one)
    return by_room
