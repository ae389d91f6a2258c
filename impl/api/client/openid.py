"""api-specs/client-server/openid.yaml"""

from typing import Any

from impl.app import App
from impl.requester import Requester
from impl.services import openid


def request_open_id_token(
    app: App, requester: Requester, user_id: str, body: dict[str, Any]
) -> dict[str, Any]:
    return openid.request_token(app, requester, user_id)
