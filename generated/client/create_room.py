"""api-specs/client-server/create_room.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class CreateRoomBody(Struct, kw_only=True):
    visibility: Literal['public', 'private'] | None = None
    room_alias_name: str | None = None
    name: str | None = None
    topic: str | None = None
    invite: list[str] | None = None
    invite_3pid: list[Invite3pid] | None = None
    room_version: str | None = None
    creation_content: dict[str, Any] | None = None
    initial_state: list[CreateRoomBodyInitialStateItem] | None = None
    preset: Literal['private_chat', 'public_chat', 'trusted_private_chat'] | None = None
    is_direct: bool | None = None
    power_level_content_override: dict[str, Any] | None = None


class CreateRoomBodyInitialStateItem(Struct, kw_only=True):
    type: str
    content: dict[str, Any]
    state_key: str | None = None


class Invite3pid(Struct, kw_only=True):
    id_server: str
    id_access_token: str
    medium: str
    address: str


class CreateRoomResponse(TypedDict):
    room_id: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def create_room(
        self,
        app: Any,
        requester: Any,
        body: CreateRoomBody,
    ) -> CreateRoomResponse | dict[str, Any]: ...


def create_room(
    app: Any,
    requester: Any,
    body: CreateRoomBody,
) -> CreateRoomResponse | dict[str, Any]:
    """POST /_matrix/client/v3/createRoom"""
    raise Unrecognized("createRoom")
