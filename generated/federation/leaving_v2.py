"""api-specs/server-server/leaving-v2.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


SendLeaveV2Body: TypeAlias = dict[str, Any]


SendLeaveV2Response: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def send_leave_v2(
        self,
        app: Any,
        origin: str,
        room_id: str,
        event_id: str,
        body: dict[str, Any],
    ) -> SendLeaveV2Response | dict[str, Any]: ...


def send_leave_v2(
    app: Any,
    origin: str,
    room_id: str,
    event_id: str,
    body: dict[str, Any],
) -> SendLeaveV2Response | dict[str, Any]:
    """PUT /_matrix/federation/v2/send_leave/{roomId}/{eventId}"""
    raise Unrecognized("sendLeaveV2")
