"""api-specs/client-server/room_upgrades.yaml"""

from generated.client.room_upgrades import UpgradeRoomBody, UpgradeRoomResponse
from impl.app import App
from impl.requester import Requester
from impl.services import room_upgrades


def upgrade_room(
    app: App, requester: Requester, room_id: str, body: UpgradeRoomBody
) -> UpgradeRoomResponse:
    replacement_room = room_upgrades.upgrade(
        app, requester, room_id, body.new_version, body.additional_creators or ()
    )
    return {"replacement_room": replacement_room}
