"""api-specs/client-server/tags.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import account_data


def get_room_tags(app: App, requester: Requester, user_id: str, room_id: str) -> dict[str, Any]:
    account_data.check_room(room_id)
    return {"tags": account_data.get_tags(app, requester, user_id, room_id)}


def set_room_tag(
    app: App, requester: Requester, user_id: str, room_id: str, tag: str, body: dict[str, Any]
) -> dict[str, Any]:
    account_data.check_room(room_id)
    account_data.put_tag(app, requester, user_id, room_id, tag, body)
    return {}


def delete_room_tag(
    app: App, requester: Requester, user_id: str, room_id: str, tag: str
) -> dict[str, Any]:
    account_data.check_room(room_id)
    account_data.delete_tag(app, requester, user_id, room_id, tag)
    return {}
