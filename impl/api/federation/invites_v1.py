"""api-specs/server-server/invites-v1.yaml"""

from typing import Any

from impl.app import App
from impl.services.federation_serving import invites
from impl.services.federation_serving.invites import OLDEST_VERSION, Offer


def send_invite_v1(
    app: App, origin: str, room_id: str, event_id: str, body: dict[str, Any]
) -> list[Any]:
    unsigned = body.get("unsigned")
    shown = unsigned.get("invite_room_state") if isinstance(unsigned, dict) else None
    offer = Offer(OLDEST_VERSION, body, shown)
    return [200, {"event": invites.accept(app, origin, room_id, event_id, offer)}]
