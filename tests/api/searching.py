"""What a search is to tests: asked, and the ids of what it finds."""

from typing import Any
from urllib.parse import quote

from tests.api.api_client import Answer, User
from tests.api.room_actions import CLIENT

SEARCH = f"{CLIENT}/search"


def ask(user: User, term: str, next_batch: str | None = None, **criteria: Any) -> Answer:
    body = {"search_categories": {"room_events": {"search_term": term, **criteria}}}
    return user.post(SEARCH, body, {"next_batch": next_batch} if next_batch else None)


def search(user: User, term: str, next_batch: str | None = None, **criteria: Any) -> Any:
    answer = ask(user, term, next_batch, **criteria)
    assert answer.status == 200, answer
    return answer.json["search_categories"]["room_events"]


def ids(found: Any) -> list[str]:
    return [one["result"]["event_id"] for one in found["results"]]


def found_by(user: User, term: str, **criteria: Any) -> list[str]:
    return ids(search(user, term, **criteria))


def send_event(user: User, room_id: str, event_type: str, txn_id: str, **content: object) -> str:
    place = f"{quote(room_id, safe='')}/send/{event_type}/{txn_id}"
    return user.put(f"{CLIENT}/rooms/{place}", content).json["event_id"]


def set_state(user: User, room_id: str, event_type: str, **content: object) -> str:
    answer = user.put(f"{CLIENT}/rooms/{quote(room_id, safe='')}/state/{event_type}/", content)
    assert answer.status == 200, answer
    return answer.json["event_id"]
