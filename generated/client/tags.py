"""api-specs/client-server/tags.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


SetRoomTagBody: TypeAlias = dict[str, Any]


class GetRoomTagsResponse(TypedDict):
    tags: NotRequired[dict[str, dict[str, Any]]]


SetRoomTagResponse: TypeAlias = dict[str, Any]


DeleteRoomTagResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_room_tags(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        room_id: str,
    ) -> GetRoomTagsResponse | dict[str, Any]: ...

    def set_room_tag(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        room_id: str,
        tag: str,
        body: dict[str, Any],
    ) -> SetRoomTagResponse | dict[str, Any]: ...

    def delete_room_tag(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        room_id: str,
        tag: str,
    ) -> DeleteRoomTagResponse | dict[str, Any]: ...


def get_room_tags(
    app: Any,
    requester: Any,
    user_id: str,
    room_id: str,
) -> GetRoomTagsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags"""
    raise Unrecognized("getRoomTags")


def set_room_tag(
    app: Any,
    requester: Any,
    user_id: str,
    room_id: str,
    tag: str,
    body: dict[str, Any],
) -> SetRoomTagResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}"""
    raise Unrecognized("setRoomTag")


def delete_room_tag(
    app: Any,
    requester: Any,
    user_id: str,
    room_id: str,
    tag: str,
) -> DeleteRoomTagResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}"""
    raise Unrecognized("deleteRoomTag")
