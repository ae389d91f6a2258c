"""Events as other servers get them. S-S API, "PDUs"."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from impl.app import App
from impl.storage import event_json
from impl.storage.events import StoredEvent

# So many events are read and written at a time.
AT_ONCE = 2_000


def write(stored: Sequence[StoredEvent]) -> list[msgspec.Raw]:
    """The events' JSON, without what was redacted, in their order."""
    return [msgspec.Raw(one.json()) for one in stored]


def transaction(app: App, pdus: Sequence[msgspec.Raw]) -> dict[str, Any]:
    """Events in the form of a transaction, as some endpoints answer."""
    return {"origin": app.server_name, "origin_server_ts": app.now_ms(), "pdus": pdus}


def write_many(app: App, txn: Any, room_nid: int, event_nids: Iterable[int]) -> msgspec.Raw:
    """A list of events, perhaps of many thousands: as the database has them, without reading what
    they say. Only what was redacted is looked at.
    """
    parts: list[bytes] = []
    for nids in _pieces(event_nids):
        text, redacted = event_json.list_pdus(txn, room_nid, nids)
        if text:
            parts.append(text.encode())
        stored = app.events.get_many(txn, [(room_nid, nid) for nid in redacted])
        parts += [one.json() for one in stored.values()]
    return msgspec.Raw(b"[" + b",".join(parts) + b"]")


def write_ids(txn: Any, room_nid: int, event_nids: Iterable[int]) -> msgspec.Raw:
    """A list of event ids."""
    parts = [event_json.list_ids(txn, room_nid, nids).encode() for nids in _pieces(event_nids)]
    return msgspec.Raw(b"[" + b",".join(part for part in parts if part) + b"]")


def _pieces(event_nids: Iterable[int]) -> Iterable[list[int]]:
    ordered = sorted(event_nids)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
