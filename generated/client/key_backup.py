"""api-specs/client-server/key_backup.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class DeleteRoomKeyBySessionIdQuery(Struct, kw_only=True):
    version: str


class DeleteRoomKeysByRoomIdQuery(Struct, kw_only=True):
    version: str


class DeleteRoomKeysQuery(Struct, kw_only=True):
    version: str


class GetRoomKeyBySessionIdQuery(Struct, kw_only=True):
    version: str


class GetRoomKeysByRoomIdQuery(Struct, kw_only=True):
    version: str


class GetRoomKeysQuery(Struct, kw_only=True):
    version: str


class KeyBackupData(Struct, kw_only=True):
    first_message_index: int
    forwarded_count: int
    is_verified: bool
    session_data: dict[str, Any]


class PostRoomKeysVersionBody(Struct, kw_only=True):
    algorithm: str
    auth_data: dict[str, Any]


PutRoomKeyBySessionIdBody: TypeAlias = KeyBackupData


class PutRoomKeyBySessionIdQuery(Struct, kw_only=True):
    version: str


class PutRoomKeysBody(Struct, kw_only=True):
    rooms: dict[str, RoomKeyBackup]


class PutRoomKeysByRoomIdQuery(Struct, kw_only=True):
    version: str


class PutRoomKeysQuery(Struct, kw_only=True):
    version: str


class PutRoomKeysVersionBody(Struct, kw_only=True):
    algorithm: str
    auth_data: dict[str, Any]
    version: str | None = None


class RoomKeyBackup(Struct, kw_only=True):
    sessions: dict[str, KeyBackupData]


PutRoomKeysByRoomIdBody: TypeAlias = RoomKeyBackup


class GetRoomKeysResponse(TypedDict):
    rooms: dict[str, RoomKeyBackupDict]


class GetRoomKeysVersionCurrentResponse(TypedDict):
    algorithm: str
    auth_data: dict[str, Any]
    count: int
    etag: str
    version: str


class GetRoomKeysVersionResponse(TypedDict):
    algorithm: str
    auth_data: dict[str, Any]
    count: int
    etag: str
    version: str


class KeyBackupDataDict(TypedDict):
    first_message_index: int
    forwarded_count: int
    is_verified: bool
    session_data: dict[str, Any]


GetRoomKeyBySessionIdResponse: TypeAlias = KeyBackupDataDict


class PostRoomKeysVersionResponse(TypedDict):
    version: str


class RoomKeyBackupDict(TypedDict):
    sessions: dict[str, KeyBackupDataDict]


GetRoomKeysByRoomIdResponse: TypeAlias = RoomKeyBackupDict


class RoomKeysUpdateResponseDict(TypedDict):
    etag: str
    count: int


DeleteRoomKeyBySessionIdResponse: TypeAlias = RoomKeysUpdateResponseDict


DeleteRoomKeysByRoomIdResponse: TypeAlias = RoomKeysUpdateResponseDict


DeleteRoomKeysResponse: TypeAlias = RoomKeysUpdateResponseDict


PutRoomKeyBySessionIdResponse: TypeAlias = RoomKeysUpdateResponseDict


PutRoomKeysByRoomIdResponse: TypeAlias = RoomKeysUpdateResponseDict


PutRoomKeysResponse: TypeAlias = RoomKeysUpdateResponseDict


PutRoomKeysVersionResponse: TypeAlias = dict[str, Any]


DeleteRoomKeysVersionResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_keys_version_current(
        self,
        app: Any,
        requester: Any,
    ) -> GetRoomKeysVersionCurrentResponse | dict[str, Any]: ...

    def post_room_keys_version(
        self,
        app: Any,
        requester: Any,
        body: PostRoomKeysVersionBody,
    ) -> PostRoomKeysVersionResponse | dict[str, Any]: ...

    def get_room_keys_version(
        self,
        app: Any,
        requester: Any,
        version: str,
    ) -> GetRoomKeysVersionResponse | dict[str, Any]: ...

    def put_room_keys_version(
        self,
        app: Any,
        requester: Any,
        version: str,
        body: PutRoomKeysVersionBody,
    ) -> PutRoomKeysVersionResponse | dict[str, Any]: ...

    def delete_room_keys_version(
        self,
        app: Any,
        requester: Any,
        version: str,
    ) -> DeleteRoomKeysVersionResponse | dict[str, Any]: ...

    def get_room_key_by_session_id(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        session_id: str,
        query: GetRoomKeyBySessionIdQuery,
    ) -> GetRoomKeyBySessionIdResponse | dict[str, Any]: ...

    def put_room_key_by_session_id(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        session_id: str,
        query: PutRoomKeyBySessionIdQuery,
        body: PutRoomKeyBySessionIdBody,
    ) -> PutRoomKeyBySessionIdResponse | dict[str, Any]: ...

    def delete_room_key_by_session_id(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        session_id: str,
        query: DeleteRoomKeyBySessionIdQuery,
    ) -> DeleteRoomKeyBySessionIdResponse | dict[str, Any]: ...

    def get_room_keys_by_room_id(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        query: GetRoomKeysByRoomIdQuery,
    ) -> GetRoomKeysByRoomIdResponse | dict[str, Any]: ...

    def put_room_keys_by_room_id(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        query: PutRoomKeysByRoomIdQuery,
        body: PutRoomKeysByRoomIdBody,
    ) -> PutRoomKeysByRoomIdResponse | dict[str, Any]: ...

    def delete_room_keys_by_room_id(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        query: DeleteRoomKeysByRoomIdQuery,
    ) -> DeleteRoomKeysByRoomIdResponse | dict[str, Any]: ...

    def get_room_keys(
        self,
        app: Any,
        requester: Any,
        query: GetRoomKeysQuery,
    ) -> GetRoomKeysResponse | dict[str, Any]: ...

    def put_room_keys(
        self,
        app: Any,
        requester: Any,
        query: PutRoomKeysQuery,
        body: PutRoomKeysBody,
    ) -> PutRoomKeysResponse | dict[str, Any]: ...

    def delete_room_keys(
        self,
        app: Any,
        requester: Any,
        query: DeleteRoomKeysQuery,
    ) -> DeleteRoomKeysResponse | dict[str, Any]: ...


def get_room_keys_version_current(
    app: Any,
    requester: Any,
) -> GetRoomKeysVersionCurrentResponse | dict[str, Any]:
    """GET /_matrix/client/v3/room_keys/version"""
    raise Unrecognized("getRoomKeysVersionCurrent")


def post_room_keys_version(
    app: Any,
    requester: Any,
    body: PostRoomKeysVersionBody,
) -> PostRoomKeysVersionResponse | dict[str, Any]:
    """POST /_matrix/client/v3/room_keys/version"""
    raise Unrecognized("postRoomKeysVersion")


def get_room_keys_version(
    app: Any,
    requester: Any,
    version: str,
) -> GetRoomKeysVersionResponse | dict[str, Any]:
    """GET /_matrix/client/v3/room_keys/version/{version}"""
    raise Unrecognized("getRoomKeysVersion")


def put_room_keys_version(
    app: Any,
    requester: Any,
    version: str,
    body: PutRoomKeysVersionBody,
) -> PutRoomKeysVersionResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/room_keys/version/{version}"""
    raise Unrecognized("putRoomKeysVersion")


def delete_room_keys_version(
    app: Any,
    requester: Any,
    version: str,
) -> DeleteRoomKeysVersionResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/room_keys/version/{version}"""
    raise Unrecognized("deleteRoomKeysVersion")


def get_room_key_by_session_id(
    app: Any,
    requester: Any,
    room_id: str,
    session_id: str,
    query: GetRoomKeyBySessionIdQuery,
) -> GetRoomKeyBySessionIdResponse | dict[str, Any]:
    """GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}"""
    raise Unrecognized("getRoomKeyBySessionId")


def put_room_key_by_session_id(
    app: Any,
    requester: Any,
    room_id: str,
    session_id: str,
    query: PutRoomKeyBySessionIdQuery,
    body: PutRoomKeyBySessionIdBody,
) -> PutRoomKeyBySessionIdResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}"""
    raise Unrecognized("putRoomKeyBySessionId")


def delete_room_key_by_session_id(
    app: Any,
    requester: Any,
    room_id: str,
    session_id: str,
    query: DeleteRoomKeyBySessionIdQuery,
) -> DeleteRoomKeyBySessionIdResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}"""
    raise Unrecognized("deleteRoomKeyBySessionId")


def get_room_keys_by_room_id(
    app: Any,
    requester: Any,
    room_id: str,
    query: GetRoomKeysByRoomIdQuery,
) -> GetRoomKeysByRoomIdResponse | dict[str, Any]:
    """GET /_matrix/client/v3/room_keys/keys/{roomId}"""
    raise Unrecognized("getRoomKeysByRoomId")


def put_room_keys_by_room_id(
    app: Any,
    requester: Any,
    room_id: str,
    query: PutRoomKeysByRoomIdQuery,
    body: PutRoomKeysByRoomIdBody,
) -> PutRoomKeysByRoomIdResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/room_keys/keys/{roomId}"""
    raise Unrecognized("putRoomKeysByRoomId")


def delete_room_keys_by_room_id(
    app: Any,
    requester: Any,
    room_id: str,
    query: DeleteRoomKeysByRoomIdQuery,
) -> DeleteRoomKeysByRoomIdResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/room_keys/keys/{roomId}"""
    raise Unrecognized("deleteRoomKeysByRoomId")


def get_room_keys(
    app: Any,
    requester: Any,
    query: GetRoomKeysQuery,
) -> GetRoomKeysResponse | dict[str, Any]:
    """GET /_matrix/client/v3/room_keys/keys"""
    raise Unrecognized("getRoomKeys")


def put_room_keys(
    app: Any,
    requester: Any,
    query: PutRoomKeysQuery,
    body: PutRoomKeysBody,
) -> PutRoomKeysResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/room_keys/keys"""
    raise Unrecognized("putRoomKeys")


def delete_room_keys(
    app: Any,
    requester: Any,
    query: DeleteRoomKeysQuery,
) -> DeleteRoomKeysResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/room_keys/keys"""
    raise Unrecognized("deleteRoomKeys")
