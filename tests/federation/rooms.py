"""Rooms of a server in a test, by its clients."""

from typing import Any
from urllib.parse import quote

from tests.api.api_client import Answer, User

ROOMS = "/_matrix/client/v3/rooms"


def path(room_id: str, rest: str) -> str:
    return f"{ROOMS}/{quote(room_id, safe='')}/{rest}"


def create(user: User, version: str = "11", preset: str = "public_chat", **more: Any) -> str:
    body = {"preset": preset, "room_version": version, **more}
    answer = user.post("/_matrix/client/v3/createRoom", body)
    assert answer.status == 200, answer.json
    return str(answer.json["room_id"])


def put_state(user: User, room_id: str, event_type: str, content: Any, state_key: str = "") -> str:
    where = path(room_id, f"state/{event_type}/{quote(state_key, safe='')}")
    answer = user.put(where, content)
    assert answer.status == 200, answer.json
    return str(answer.json["event_id"])


def get_state(user: User, room_id: str, event_type: str, state_key: str = "") -> Answer:
    return user.get(path(room_id, f"state/{event_type}/{quote(state_key, safe='')}"))


def say(user: User, room_id: str, body: str) -> str:
    content = {"msgtype": "m.text", "body": body}
    answer = user.put(path(room_id, f"send/m.room.message/{body}"), content)
    assert answer.status == 200, answer.json
    return str(answer.json["event_id"])


def redact(user: User, room_id: str, event_id: str) -> str:
    answer = user.put(path(room_id, f"redact/{quote(event_id, safe='')}/{event_id[1:9]}"), {})
    assert answer.status == 200, answer.json
    return str(answer.json["event_id"])


def act(user: User, room_id: str, action: str, user_id: str) -> Answer:
    """invite, kick, ban, unban"""
    return user.post(path(room_id, action), {"user_id": user_id})


def membership(user: User, room_id: str, user_id: str) -> str | None:
    answer = get_state(user, room_id, "m.room.member", user_id)
    return answer.json["membership"] if answer.status == 200 else None


def restricted_to(*room_ids: str) -> dict[str, Any]:
    allow = [{"type": "m.room_membership", "room_id": one} for one in room_ids]
    return {"join_rule": "restricted", "allow": allow}
