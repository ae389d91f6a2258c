"""api-specs/client-server/key_backup.yaml"""

from typing import Any

from generated.client.key_backup import (
    DeleteRoomKeyBySessionIdQuery,
    DeleteRoomKeysByRoomIdQuery,
    DeleteRoomKeysQuery,
    GetRoomKeyBySessionIdQuery,
    GetRoomKeysByRoomIdQuery,
    GetRoomKeysQuery,
    PostRoomKeysVersionBody,
    PutRoomKeyBySessionIdBody,
    PutRoomKeyBySessionIdQuery,
    PutRoomKeysBody,
    PutRoomKeysByRoomIdBody,
    PutRoomKeysByRoomIdQuery,
    PutRoomKeysQuery,
    PutRoomKeysVersionBody,
)
from impl.app import App
from impl.requester import Requester
from impl.services import key_backups


def get_room_keys_version_current(app: App, requester: Requester) -> dict[str, Any]:
    return key_backups.get_version(app, requester, None)


def post_room_keys_version(
    app: App, requester: Requester, body: PostRoomKeysVersionBody
) -> dict[str, Any]:
    return {
        "version": key_backups.create_version(app, requester, body.algorithm, body.auth_data),
    }


def get_room_keys_version(app: App, requester: Requester, version: str) -> dict[str, Any]:
    return key_backups.get_version(app, requester, version)


def put_room_keys_version(
    app: App, requester: Requester, version: str, body: PutRoomKeysVersionBody
) -> dict[str, Any]:
    key_backups.change_version(
        app,
        requester,
        version,
        algorithm=body.algorithm,
        auth_data=body.auth_data,
        stated_version=body.version,
    )
    return {}


def delete_room_keys_version(app: App, requester: Requester, version: str) -> dict[str, Any]:
    key_backups.delete_version(app, requester, version)
    return {}


def get_room_key_by_session_id(
    app: App,
    requester: Requester,
    room_id: str,
    session_id: str,
    query: GetRoomKeyBySessionIdQuery,
) -> dict[str, Any]:
    return key_backups.get_key(app, requester, query.version, room_id, session_id)


def put_room_key_by_session_id(
    app: App,
    requester: Requester,
    room_id: str,
    session_id: str,
    query: PutRoomKeyBySessionIdQuery,
    body: PutRoomKeyBySessionIdBody,
) -> dict[str, Any]:
    return key_backups.put_keys(app, requester, query.version, {room_id: {session_id: body}})


def delete_room_key_by_session_id(
    app: App,
    requester: Requester,
    room_id: str,
    session_id: str,
    query: DeleteRoomKeyBySessionIdQuery,
) -> dict[str, Any]:
    return key_backups.delete_keys(app, requester, query.version, room_id, session_id)


def get_room_keys_by_room_id(
    app: App, requester: Requester, room_id: str, query: GetRoomKeysByRoomIdQuery
) -> dict[str, Any]:
    rooms = key_backups.get_keys(app, requester, query.version, room_id)
    return rooms.get(room_id, {"sessions": {}})


def put_room_keys_by_room_id(
    app: App,
    requester: Requester,
    room_id: str,
    query: PutRoomKeysByRoomIdQuery,
    body: PutRoomKeysByRoomIdBody,
) -> dict[str, Any]:
    return key_backups.put_keys(app, requester, query.version, {room_id: body.sessions})


def delete_room_keys_by_room_id(
    app: App, requester: Requester, room_id: str, query: DeleteRoomKeysByRoomIdQuery
) -> dict[str, Any]:
    return key_backups.delete_keys(app, requester, query.version, room_id)


def get_room_keys(app: App, requester: Requester, query: GetRoomKeysQuery) -> dict[str, Any]:
    return {"rooms": key_backups.get_keys(app, requester, query.version)}


def put_room_keys(
    app: App, requester: Requester, query: PutRoomKeysQuery, body: PutRoomKeysBody
) -> dict[str, Any]:
    rooms = {room_id: backup.sessions for room_id, backup in body.rooms.items()}
    return key_backups.put_keys(app, requester, query.version, rooms)


def delete_room_keys(app: App, requester: Requester, query: DeleteRoomKeysQuery) -> dict[str, Any]:
    return key_backups.delete_keys(app, requester, query.version)
