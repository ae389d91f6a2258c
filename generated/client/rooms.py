"""api-specs/client-server/rooms.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetMembersByRoomQuery(Struct, kw_only=True):
    at: str | None = None
    membership: Literal['join', 'invite', 'knock', 'leave', 'ban'] | None = None
    not_membership: Literal['join', 'invite', 'knock', 'leave', 'ban'] | None = None


class GetRoomStateWithKeyQuery(Struct, kw_only=True):
    format: Literal['content', 'event'] | None = None


class GetJoinedMembersByRoomResponse(TypedDict):
    joined: NotRequired[dict[str, GetJoinedMembersByRoomResponseJoinedValue]]


class GetJoinedMembersByRoomResponseJoinedValue(TypedDict):
    display_name: NotRequired[str]
    avatar_url: NotRequired[str]


class GetMembersByRoomResponse(TypedDict):
    chunk: NotRequired[list[dict[str, Any]]]


GetRoomStateResponse: TypeAlias = list[dict[str, Any]]


GetOneRoomEventResponse: TypeAlias = dict[str, Any]


GetRoomStateWithKeyResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_one_room_event(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_id: str,
    ) -> GetOneRoomEventResponse | dict[str, Any]: ...

    def get_room_state_with_key(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_type: str,
        state_key: str,
        query: GetRoomStateWithKeyQuery,
    ) -> GetRoomStateWithKeyResponse | dict[str, Any]: ...

    def get_room_state(
        self,
        app: Any,
        requester: Any,
        room_id: str,
    ) -> GetRoomStateResponse | dict[str, Any]: ...

    def get_members_by_room(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        query: GetMembersByRoomQuery,
    ) -> GetMembersByRoomResponse | dict[str, Any]: ...

    def get_joined_members_by_room(
        self,
        app: Any,
        requester: Any,
        room_id: str,
    ) -> GetJoinedMembersByRoomResponse | dict[str, Any]: ...


def get_one_room_event(
    app: Any,
    requester: Any,
    room_id: str,
    event_id: str,
) -> GetOneRoomEventResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}"""
    raise Unrecognized("getOneRoomEvent")


def get_room_state_with_key(
    app: Any,
    requester: Any,
    room_id: str,
    event_type: str,
    state_key: str,
    query: GetRoomStateWithKeyQuery,
) -> GetRoomStateWithKeyResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}"""
    raise Unrecognized("getRoomStateWithKey")


def get_room_state(
    app: Any,
    requester: Any,
    room_id: str,
) -> GetRoomStateResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/state"""
    raise Unrecognized("getRoomState")


def get_members_by_room(
    app: Any,
    requester: Any,
    room_id: str,
    query: GetMembersByRoomQuery,
) -> GetMembersByRoomResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/members"""
    raise Unrecognized("getMembersByRoom")


def get_joined_members_by_room(
    app: Any,
    requester: Any,
    room_id: str,
) -> GetJoinedMembersByRoomResponse | dict[str, Any]:
    """GET /_matrix/client/v3/rooms/{roomId}/joined_members"""
    raise Unrecognized("getJoinedMembersByRoom")
