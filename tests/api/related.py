"""What users say of events in tests: edits, reactions, replies in threads, references; and what is
told of them.
"""

import itertools
from typing import Any
from urllib.parse import quote

from tests.api.api_client import Answer, User

_numbers = itertools.count(1)


def room_path(room_id: str, version: str = "v3") -> str:
    return f"/_matrix/client/{version}/rooms/{quote(room_id, safe='')}"


def try_to_send(
    user: User, room_id: str, event_type: str, content: dict[str, Any], txn_id: str = ""
) -> Answer:
    txn_id = txn_id or f"r{next(_numbers)}"
    return user.put(f"{room_path(room_id)}/send/{event_type}/{txn_id}", content)


def relate(
    user: User,
    room_id: str,
    rel_type: str,
    parent: str,
    event_type: str = "m.room.message",
    **content: Any,
) -> str:
    relates_to = {"rel_type": rel_type, "event_id": parent}
    if "key" in content:
        relates_to["key"] = content.pop("key")
    answer = try_to_send(user, room_id, event_type, {**content, "m.relates_to": relates_to})
    assert answer.status == 200, answer
    return answer.json["event_id"]


def reply(user: User, room_id: str, root: str, body: str = "reply") -> str:
    """A message in a thread."""
    return relate(user, room_id, "m.thread", root, msgtype="m.text", body=body)


def react(user: User, room_id: str, parent: str, key: str = "👍") -> str:
    return relate(user, room_id, "m.annotation", parent, "m.reaction", key=key)


def refer(user: User, room_id: str, parent: str) -> str:
    return relate(user, room_id, "m.reference", parent, "test.reference")


def edit(user: User, room_id: str, parent: str, body: str) -> str:
    new = {"msgtype": "m.text", "body": body}
    more = {"msgtype": "m.text", "body": f"* {body}", "m.new_content": new}
    return relate(user, room_id, "m.replace", parent, **more)


def redact(user: User, room_id: str, event_id: str) -> None:
    path = f"{room_path(room_id)}/redact/{quote(event_id, safe='')}/r{next(_numbers)}"
    answer = user.put(path, {})
    assert answer.status == 200, answer


def ignore(user: User, *others: User) -> None:
    path = f"/_matrix/client/v3/user/{user.user_id}/account_data/m.ignored_user_list"
    answer = user.put(path, {"ignored_users": {other.user_id: {} for other in others}})
    assert answer.status == 200, answer


def get_event(user: User, room_id: str, event_id: str) -> dict[str, Any]:
    answer = user.get(f"{room_path(room_id)}/event/{quote(event_id, safe='')}")
    assert answer.status == 200, answer
    return answer.json


def told_with(event: dict[str, Any]) -> dict[str, Any]:
    """What an event says of what relates to it."""
    return event["unsigned"].get("m.relations", {})


def bundle(user: User, room_id: str, event_id: str) -> dict[str, Any]:
    return told_with(get_event(user, room_id, event_id))
