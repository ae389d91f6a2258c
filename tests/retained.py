"""Rooms whose messages expire, for tests: a clock to be moved, policies, what a client is shown."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from impl.app import App
from impl.config.retention import PurgeJob, Retention
from impl.core.event_builder import Draft
from impl.jobs import retention as job
from impl.services import history
from impl.services.history import Range
from tests.builders import ALICE, a_requester
from tests.services.room_events.inspection import head_of
from tests.services.sync_client import plain

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def a_clock(*apps: App) -> Callable[[int], None]:
    """Moves the clock of some Apps on."""
    now = [apps[0].now_ms()]
    for app in apps:
        app.now_ms = lambda: now[0]

    def move(by_ms: int) -> None:
        now[0] += by_ms

    return move


def enabled(max_lifetime: int | None = None, **more: Any) -> Retention:
    return Retention(enabled=True, max_lifetime=max_lifetime, **more)


def policy(max_lifetime: object, sender: str = ALICE, **content: object) -> Draft:
    """The draft of a room's policy."""
    content = {"max_lifetime": max_lifetime, **content}
    return Draft("m.room.retention", sender, content, "")


def dated(draft: Draft, sent_ts: int) -> Draft:
    """The same by another clock."""
    return replace(draft, origin_server_ts=sent_ts)


def purge(app: App, of: PurgeJob | None = None) -> None:
    """All turns of a job."""
    purging = job.Purge(of or app.config.retention.purge_jobs[0])
    while purging.purge_messages(app):
        pass


def read_back(app: App, room_id: str, user_id: str = ALICE, **asked: Any) -> dict[str, Any]:
    app.news.catch_up()
    found = history.messages(app, a_requester(user_id), room_id, Range(True, limit=100, **asked))
    answer: dict[str, Any] = plain(found)
    return answer


def bodies(app: App, room_id: str, user_id: str = ALICE, **asked: Any) -> list[str]:
    """Of all messages that there are, the oldest first."""
    chunk = read_back(app, room_id, user_id, **asked)["chunk"]
    texts = [one["content"]["body"] for one in chunk if "body" in one["content"]]
    return texts[::-1]


def related(sender: str, parent: str, rel_type: str, body: str, **more: Any) -> Draft:
    relation = {"rel_type": rel_type, "event_id": parent}
    content = {"msgtype": "m.text", "body": body, "m.relates_to": relation, **more}
    return Draft("m.room.message", sender, content)


def kept(app: App, room_id: str) -> list[str]:
    """What the database has of the room's messages, in the order of their times."""
    with app.database.read() as txn:
        txn.execute(
            """
            SELECT pdu
              FROM events
             WHERE room_nid = %s
             ORDER BY origin_server_ts, event_nid
            """,
            (head_of(app, room_id).room.room_nid,),
        )
        contents = [json.loads(row[0])["content"] for row in txn.fetchall()]
    return [one["body"] for one in contents if "body" in one]
