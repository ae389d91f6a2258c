"""api-specs/client-server/rooms.yaml"""

from typing import Any

from generated.client.rooms import (
    GetMembersByRoomQuery,
    GetRoomStateResponse,
    GetRoomStateWithKeyQuery,
    GetRoomStateWithKeyResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import history, room_members, room_state
from impl.services.room_members import Which


def get_one_room_event(app: App, requester: Requester, room_id: str, event_id: str) -> Any:
    return history.event(app, requester, room_id, event_id)


def get_room_state_with_key(
    app: App,
    requester: Requester,
    room_id: str,
    event_type: str,
    state_key: str,
    query: GetRoomStateWithKeyQuery,
) -> GetRoomStateWithKeyResponse:
    if query.format == "event":
        return room_state.get_event(app, requester, room_id, event_type, state_key)
    return room_state.get_content(app, requester, room_id, event_type, state_key)


def get_room_state(app: App, requester: Requester, room_id: str) -> GetRoomStateResponse:
    return room_state.get_all(app, requester, room_id)


def get_members_by_room(
    app: App, requester: Requester, room_id: str, query: GetMembersByRoomQuery
) -> dict[str, Any]:
    which = Which(query.at, query.membership, query.not_membership)
    return {"chunk": room_members.members(app, requester, room_id, which)}


def get_joined_members_by_room(app: App, requester: Requester, room_id: str) -> dict[str, Any]:
    return {"joined": room_members.joined_members(app, requester, room_id)}
