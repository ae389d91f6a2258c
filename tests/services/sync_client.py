"""A client of /sync for tests of the service."""

import json
from typing import Any

import gevent
import msgspec

from impl.app import App
from impl.requester import Requester
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question


def requester(user_id: str, device_id: str = "DEVICE") -> Requester:
    return Requester(user_id, device_id)


def ask(app: App, user_id: str, since: str | None = None, **question: Any) -> dict[str, Any]:
    app.news.catch_up()
    if isinstance(question.get("filter"), dict):
        question["filter"] = json.dumps(question["filter"])
    answer = syncing.answer(app, requester(user_id), Question(since=since, **question))
    return plain(answer)


def until_waiting(app: App, count: int = 1) -> None:
    """Returns when so many polls wait for news."""
    with gevent.Timeout(30):
        while len(app.news.waiters.all) < count:
            gevent.sleep(0.001)


def plain(answer: Any) -> Any:
    return json.loads(msgspec.json.encode(answer))


def joined(answer: dict[str, Any], room_id: str) -> dict[str, Any]:
    return answer["rooms"]["join"][room_id]


def bodies(room: dict[str, Any]) -> list[str]:
    events = room["timeline"]["events"]
    return [one["content"]["body"] for one in events if one["type"] == "m.room.message"]


def keys(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["type"], one["state_key"]) for one in events}
