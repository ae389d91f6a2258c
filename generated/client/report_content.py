"""api-specs/client-server/report_content.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class ReportEventBody(Struct, kw_only=True):
    reason: str | None = None


class ReportRoomBody(Struct, kw_only=True):
    reason: str


class ReportUserBody(Struct, kw_only=True):
    reason: str


ReportRoomResponse: TypeAlias = dict[str, Any]


ReportEventResponse: TypeAlias = dict[str, Any]


ReportUserResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def report_room(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: ReportRoomBody,
    ) -> ReportRoomResponse | dict[str, Any]: ...

    def report_event(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_id: str,
        body: ReportEventBody,
    ) -> ReportEventResponse | dict[str, Any]: ...

    def report_user(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        body: ReportUserBody,
    ) -> ReportUserResponse | dict[str, Any]: ...


def report_room(
    app: Any,
    requester: Any,
    room_id: str,
    body: ReportRoomBody,
) -> ReportRoomResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/report"""
    raise Unrecognized("reportRoom")


def report_event(
    app: Any,
    requester: Any,
    room_id: str,
    event_id: str,
    body: ReportEventBody,
) -> ReportEventResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/report/{eventId}"""
    raise Unrecognized("reportEvent")


def report_user(
    app: Any,
    requester: Any,
    user_id: str,
    body: ReportUserBody,
) -> ReportUserResponse | dict[str, Any]:
    """POST /_matrix/client/v3/users/{userId}/report"""
    raise Unrecognized("reportUser")
