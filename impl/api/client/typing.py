"""api-specs/client-server/typing.yaml"""

from generated.client.typing import SetTypingBody, SetTypingResponse
from impl.app import App
from impl.requester import Requester
from impl.services import typing


def set_typing(
    app: App, requester: Requester, room_id: str, user_id: str, body: SetTypingBody
) -> SetTypingResponse:
    if body.typing:
        typing.start(app, requester, room_id, user_id, body.timeout)
    else:
        typing.stop(app, requester, room_id, user_id)
    return {}
