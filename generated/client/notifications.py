"""api-specs/client-server/notifications.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetNotificationsQuery(Struct, kw_only=True):
    from_: str | None = field(name='from', default=None)
    limit: int | None = None
    only: str | None = None


class GetNotificationsResponse(TypedDict):
    next_token: NotRequired[str]
    notifications: list[GetNotificationsResponseNotificationsItem]


class GetNotificationsResponseNotificationsItem(TypedDict):
    actions: list[str | dict[str, Any]]
    event: dict[str, Any]
    profile_tag: NotRequired[str]
    read: bool
    room_id: str
    ts: int


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_notifications(
        self,
        app: Any,
        requester: Any,
        query: GetNotificationsQuery,
    ) -> GetNotificationsResponse | dict[str, Any]: ...


def get_notifications(
    app: Any,
    requester: Any,
    query: GetNotificationsQuery,
) -> GetNotificationsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/notifications"""
    raise Unrecognized("getNotifications")
