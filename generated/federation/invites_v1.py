"""api-specs/server-server/invites-v1.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


SendInviteV1Body: TypeAlias = dict[str, Any]


class SendInviteV1ResponseItem(TypedDict):
    event: dict[str, Any]


SendInviteV1Response: TypeAlias = list[int | SendInviteV1ResponseItem]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def send_invite_v1(
        self,
        app: Any,
        origin: str,
        room_id: str,
        event_id: str,
        body: dict[str, Any],
    ) -> SendInviteV1Response | dict[str, Any]: ...


def send_invite_v1(
    app: Any,
    origin: str,
    room_id: str,
    event_id: str,
    body: dict[str, Any],
) -> SendInviteV1Response | dict[str, Any]:
    """PUT /_matrix/federation/v1/invite/{roomId}/{eventId}"""
    raise Unrecognized("sendInviteV1")
