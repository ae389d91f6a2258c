"""api-specs/client-server/directory.yaml"""

from generated.client.directory import (
    DeleteRoomAliasResponse,
    GetLocalAliasesResponse,
    GetRoomIdByAliasResponse,
    SetRoomAliasBody,
    SetRoomAliasResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import aliases


def set_room_alias(
    app: App, requester: Requester, room_alias: str, body: SetRoomAliasBody
) -> SetRoomAliasResponse:
    aliases.create(app, requester, room_alias, body.room_id)
    return {}


def get_room_id_by_alias(app: App, room_alias: str) -> GetRoomIdByAliasResponse:
    room_id, servers = aliases.resolve(app, room_alias)
    return {"room_id": room_id, "servers": servers}


def delete_room_alias(app: App, requester: Requester, room_alias: str) -> DeleteRoomAliasResponse:
    aliases.delete(app, requester, room_alias)
    return {}


def get_local_aliases(app: App, requester: Requester, room_id: str) -> GetLocalAliasesResponse:
    return {"aliases": aliases.list_local(app, requester, room_id)}
