"""api-specs/server-server/knocks.yaml"""

from typing import Any

from generated.federation.knocks import MakeKnockQuery
from impl.app import App
from impl.services.federation_serving import knocks


def make_knock(
    app: App, origin: str, room_id: str, user_id: str, query: MakeKnockQuery
) -> dict[str, Any]:
    return knocks.make(app, origin, room_id, user_id, query.ver)


def send_knock(
    app: App, origin: str, room_id: str, event_id: str, body: dict[str, Any]
) -> dict[str, Any]:
    return {"knock_room_state": knocks.send(app, origin, room_id, event_id, body)}
