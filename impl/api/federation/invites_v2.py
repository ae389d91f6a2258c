"""api-specs/server-server/invites-v2.yaml"""

from typing import Any

from generated.federation.invites_v2 import SendInviteV2Body
from impl.app import App
from impl.services.federation_serving import invites
from impl.services.federation_serving.invites import Offer


def send_invite_v2(
    app: App, origin: str, room_id: str, event_id: str, body: SendInviteV2Body
) -> dict[str, Any]:
    offer = Offer(body.room_version, body.event, body.invite_room_state)
    return {"event": invites.accept(app, origin, room_id, event_id, offer)}
