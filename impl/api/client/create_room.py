"""api-specs/client-server/create_room.yaml"""

from generated.client.create_room import CreateRoomBody, CreateRoomResponse
from impl.app import App
from impl.requester import Requester
from impl.services import membership, rooms
from impl.services.initial_events import PRIVATE_CHAT, PUBLIC_CHAT, InitialState, RoomOptions


def create_room(app: App, requester: Requester, body: CreateRoomBody) -> CreateRoomResponse:
    if body.invite_3pid:
        membership.refuse_third_party_invite()
    visibility = body.visibility or "private"
    options = RoomOptions(
        visibility=visibility,
        preset=body.preset or (PUBLIC_CHAT if visibility == "public" else PRIVATE_CHAT),
        room_alias_name=body.room_alias_name,
        name=body.name,
        topic=body.topic,
        invite=body.invite or (),
        room_version=body.room_version,
        creation_content=body.creation_content or {},
        initial_state=[
            InitialState(one.type, one.state_key or "", one.content)
            for one in body.initial_state or ()
        ],
        is_direct=bool(body.is_direct),
        power_level_content_override=body.power_level_content_override or {},
    )
    return {"room_id": rooms.create(app, requester, options)}
