"""The results of a search as clients get them: each with what was said around it, and the state of
their rooms. C-S API, "Server Side Search".

However many results there are, what surrounds them is read by the same few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import state_trie
from impl.requester import Requester
from impl.services import client_events, history_page, room_reading
from impl.services.aggregations import Aggregations
from impl.services.client_events import Viewer
from impl.services.search.candidates import Found
from impl.services.search.rooms import Rooms
from impl.storage import history, search, state_nodes
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes

CONTEXT_DEFAULT = 5
CONTEXT_MAX = 50
MEMBER = "m.room.member"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is wanted beside the results; `context`: how many events before and after."""

    context: tuple[int, int] | None = None
    has_profiles: bool = False
    has_state: bool = False


@dataclass(slots=True)
class _Context:
    result: StoredEvent
    before: list[StoredEvent] = field(default_factory=list)
    after: list[StoredEvent] = field(default_factory=list)
    start: str = ""
    end: str = ""


def write(
    app: App, txn: Any, requester: Requester, found: Found, rooms: Rooms, shown: Shown
) -> dict[str, Any]:
    """`results`, and `state` where it is wanted."""
    page = found.page
    stored = [one for _, one in page]
    contexts: dict[int, dict[str, Any]] = {}
    if shown.context is not None and page:
        contexts = _contexts(app, txn, requester, found, rooms, shown)
    told = Aggregations(Viewer(app, requester), txn, found.sights, found.ignored)
    written = told.write_of_rooms(stored, found.memberships, rooms.depths)
    results = [
        {
            "rank": place.rank / search.RANK_ONE,
            "result": raw,
            **({"context": contexts[one.event_nid]} if one.event_nid in contexts else {}),
        }
        for (place, one), raw in zip(page, written, strict=True)
    ]
    answer: dict[str, Any] = {"results": results}
    if shown.has_state:
        answer["state"] = _states(app, txn, requester, stored)
    return answer


def _states(
    app: App, txn: Any, requester: Requester, stored: Sequence[StoredEvent]
) -> dict[str, Any]:
    """room_id -> the state of the room, as far as the requester may see it: up to their leaving."""
    states: dict[str, Any] = {}
    for room_id in dict.fromkeys(one.event.room_id for one in stored):
        room, root = room_reading.visible_root(app, txn, room_id, requester.user_id)
        state = room_reading.whole_state_at(app, txn, room, root)
        states[room_id] = client_events.write_state(Viewer(app, requester), txn, state)
    return states


def _contexts(
    app: App, txn: Any, requester: Requester, found: Found, rooms: Rooms, shown: Shown
) -> dict[int, dict[str, Any]]:
    """event_nid of a result -> its context."""
    contexts = _read(app, txn, found, rooms, shown.context or (0, 0))
    profiles = _profiles(app, txn, contexts) if shown.has_profiles else {}
    viewer = Viewer(app, requester, found.memberships)
    around = [event for one in contexts for event in (*one.before, *one.after)]
    written = iter(client_events.write(viewer, txn, around))
    answers: dict[int, dict[str, Any]] = {}
    for one in contexts:
        answer: dict[str, Any] = {
            "start": one.start,
            "end": one.end,
            "events_before": [next(written) for _ in one.before],
            "events_after": [next(written) for _ in one.after],
        }
        if shown.has_profiles:
            answer["profile_info"] = profiles[one.result.event_nid]
        answers[one.result.event_nid] = answer
    return answers


def _read(
    app: App, txn: Any, found: Found, rooms: Rooms, limits: tuple[int, int]
) -> list[_Context]:
    results = {one.event_nid: one for _, one in found.page}
    rows = history.list_of_events(
        txn, [(one.room_nid, one.event.depth, one.event_nid) for one in results.values()]
    )
    around = history.list_around(txn, rows, *limits)
    keys = [(row.room_nid, row.event_nid) for some in around for part in some for row in part]
    events = app.events.get_many(txn, keys)
    found.sights.preload(events.values())
    visible = _visible(found, rooms, events)
    contexts: list[_Context] = []
    for row, (before, after) in zip(rows, around, strict=True):
        first, last = (before or [row])[-1], (after or [row])[-1]
        contexts.append(
            _Context(
                results[row.event_nid],
                [visible[one.event_nid] for one in before if one.event_nid in visible],
                [visible[one.event_nid] for one in after if one.event_nid in visible],
                history_page.write_token((first.topological, first.position - 1)),
                history_page.write_token((last.topological, last.position)),
            )
        )
    return contexts


def _visible(
    found: Found, rooms: Rooms, events: Mapping[int, StoredEvent]
) -> dict[int, StoredEvent]:
    by_room: dict[int, list[StoredEvent]] = {}
    for one in events.values():
        if one.event.is_state or one.event.sender not in found.ignored:
            by_room.setdefault(one.room_nid, []).append(one)
    visible: dict[int, StoredEvent] = {}
    for room_nid, some in by_room.items():
        seen, memberships = found.sights.select(some, rooms.depths[room_nid])
        visible |= {one.event_nid: one for one in seen}
        found.memberships |= memberships
    return visible


def _profiles(
    app: App, txn: Any, contexts: Sequence[_Context]
) -> dict[int, dict[str, dict[str, str]]]:
    """event_nid of a result -> user_id -> profile, of those who speak in its context, as it was
    then.
    """
    senders = {
        one.result.event_nid: {
            event.event.sender for event in (*one.before, one.result, *one.after)
        }
        for one in contexts
    }
    key_nids = app.state_keys.get_nids(
        txn, {(MEMBER, sender) for some in senders.values() for sender in some}
    )
    ends = [one.after[-1] if one.after else one.result for one in contexts]
    paths = [(one.room_nid, one.state_after or 0, list(key_nids.values())) for one in ends]
    state_nodes.preload_paths(txn, app.state_nodes, paths)
    members: dict[int, list[tuple[int, int]]] = {}
    for context, end in zip(contexts, ends, strict=True):
        wanted = [
            key_nids[MEMBER, sender]
            for sender in senders[context.result.event_nid]
            if (MEMBER, sender) in key_nids
        ]
        nodes = RoomNodes(txn, app.state_nodes, end.room_nid)
        nids = state_trie.get_many(nodes, end.state_after or 0, wanted)
        members[context.result.event_nid] = [(end.room_nid, nid) for nid in nids.values()]
    loaded = app.events.get_many(txn, [key for some in members.values() for key in some])
    return {
        result_nid: {str(loaded[nid].event.state_key): _profile(loaded[nid]) for _, nid in some}
        for result_nid, some in members.items()
    }


def _profile(member: StoredEvent) -> dict[str, str]:
    content = room_reading.content_of(member)
    return {
        name: content[name]
        for name in ("displayname", "avatar_url")
        if isinstance(content.get(name), str)
    }


def read_limit(limit: int | None) -> int:
    return CONTEXT_DEFAULT if limit is None else max(0, min(limit, CONTEXT_MAX))
