"""api-specs/client-server/filter.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import filters


def define_filter(
    app: App, requester: Requester, user_id: str, body: dict[str, Any]
) -> dict[str, Any]:
    return {"filter_id": filters.define(app, requester, user_id, body)}


def get_filter(app: App, requester: Requester, user_id: str, filter_id: str) -> dict[str, Any]:
    return filters.get(app, requester, user_id, filter_id)
