"""api-specs/client-server/pusher.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class PostPusherBody(Struct, kw_only=True):
    pushkey: str
    kind: str | None
    app_id: str
    app_display_name: str | None = None
    device_display_name: str | None = None
    profile_tag: str | None = None
    lang: str | None = None
    data: dict[str, Any] | None = None
    append: bool | None = None


class GetPushersResponse(TypedDict):
    pushers: NotRequired[list[GetPushersResponsePushersItem]]


class GetPushersResponsePushersItem(TypedDict):
    pushkey: str
    kind: str
    app_id: str
    app_display_name: str
    device_display_name: str
    profile_tag: NotRequired[str]
    lang: str
    data: GetPushersResponsePushersItemData


class GetPushersResponsePushersItemData(TypedDict):
    url: NotRequired[str]
    format: NotRequired[str]


PostPusherResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_pushers(
        self,
        app: Any,
        requester: Any,
    ) -> GetPushersResponse | dict[str, Any]: ...

    def post_pusher(
        self,
        app: Any,
        requester: Any,
        body: PostPusherBody,
    ) -> PostPusherResponse | dict[str, Any]: ...


def get_pushers(
    app: Any,
    requester: Any,
) -> GetPushersResponse | dict[str, Any]:
    """GET /_matrix/client/v3/pushers"""
    raise Unrecognized("getPushers")


def post_pusher(
    app: Any,
    requester: Any,
    body: PostPusherBody,
) -> PostPusherResponse | dict[str, Any]:
    """POST /_matrix/client/v3/pushers/set"""
    raise Unrecognized("postPusher")
