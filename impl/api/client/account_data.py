"""api-specs/client-server/account-data.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import account_data


def get_account_data(app: App, requester: Requester, user_id: str, type: str) -> dict[str, Any]:
    return account_data.get(app, requester, user_id, "", type)


def set_account_data(
    app: App, requester: Requester, user_id: str, type: str, body: dict[str, Any]
) -> dict[str, Any]:
    account_data.put(app, requester, user_id, "", type, body)
    return {}


def get_account_data_per_room(
    app: App, requester: Requester, user_id: str, room_id: str, type: str
) -> dict[str, Any]:
    account_data.check_room(room_id)
    return account_data.get(app, requester, user_id, room_id, type)


def set_account_data_per_room(
    app: App,
    requester: Requester,
    user_id: str,
    room_id: str,
    type: str,
    body: dict[str, Any],
) -> dict[str, Any]:
    account_data.check_room(room_id)
    account_data.put(app, requester, user_id, room_id, type, body)
    return {}
