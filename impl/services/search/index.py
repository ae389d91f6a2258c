"""The index of what was said: it follows the stream. C-S API, "Server Side Search".

Nobody who sends waits for it. Whoever writes it holds the row that says how far it goes, so that it
does not matter who that is: the background process does it all the time (jobs/index_search.py), and
a search does it first for what is little, so that one finds what was said a moment ago. What is
encrypted has no words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from impl.app import App
from impl.core import search_words
from impl.services import client_events
from impl.storage import search
from impl.storage.events import StoredEvent
from impl.storage.search import Text, Unread

BATCH_ROWS = 500
# A search indexes no more than so many batches; more is left to the background process.
CATCH_UP_BATCHES_MAX = 4


def catch_up(app: App) -> None:
    """For who searches: index what has come since the background process last looked."""
    with app.database.read() as txn:
        is_behind = search.is_behind(txn)
    if is_behind:
        for _ in range(CATCH_UP_BATCHES_MAX):
            if index_some(app) < BATCH_ROWS:
                return


def index_some(app: App) -> int:
    """Index the next events of the timeline, and if they are few, of the history that was fetched;
    returns how many there were.
    """
    with app.database.transaction() as txn:
        position, history_position = search.lock_progress(txn)
        rows = search.list_forward(txn, position, BATCH_ROWS)
        if rows:
            position = rows[-1].position
        if len(rows) < BATCH_ROWS:
            fetched = search.list_backward(txn, history_position, BATCH_ROWS - len(rows))
            if fetched:
                history_position = fetched[-1].position
            rows += fetched
        if not rows:
            return 0
        _index(app, txn, rows)
        search.put_progress(txn, position, history_position)
    return len(rows)


def _index(app: App, txn: Any, rows: Sequence[Unread]) -> None:
    loaded = app.events.get_many(txn, [(row.room_nid, row.event_nid) for row in rows])
    now_ms = app.now_ms()
    texts = [
        text
        for row in rows
        if row.event_nid in loaded and (text := _text_of(loaded[row.event_nid], now_ms)) is not None
    ]
    search.put(txn, texts)
    # A redaction takes away what it redacts: what was written just now, or long ago.
    search.delete(txn, [(row.room_nid, row.changes_nid) for row in rows if row.changes_nid])


def _text_of(stored: StoredEvent, now_ms: int) -> Text | None:
    event = stored.event
    key = _key_of(event.type, event.state_key)
    if key is None or stored.redacted_by_nid or stored.rejected_reason or stored.is_soft_failed:
        return None
    content = client_events.visible_pdu(stored)["content"]
    places, placeless = search_words.index_of(_texts(key, content))
    if not places:
        return None
    return Text(
        room_nid=stored.room_nid,
        event_nid=stored.event_nid,
        key=key,
        sender=event.sender,
        has_url="url" in content,
        sent_ts=min(event.origin_server_ts, now_ms),
        places=places,
        placeless=placeless,
    )


def _key_of(event_type: str, state_key: str | None) -> int | None:
    if event_type == "m.room.message":
        return search.BODY
    if state_key == "":
        return {"m.room.name": search.NAME, "m.room.topic": search.TOPIC}.get(event_type)
    return None


def _texts(key: int, content: Mapping[str, Any]) -> list[str]:
    named = {search.BODY: "body", search.NAME: "name", search.TOPIC: "topic"}[key]
    found = [content.get(named)]
    if key == search.TOPIC:
        block = content.get("m.topic")
        forms = block.get("m.text") if isinstance(block, dict) else None
        for form in forms if isinstance(forms, list) else ():
            if isinstance(form, dict) and form.get("mimetype", "text/plain") == "text/plain":
                found.append(form.get("body"))
    return list(dict.fromkeys(_strings(found)))


def _strings(values: Iterable[object]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
