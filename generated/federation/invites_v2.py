"""api-specs/server-server/invites-v2.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class SendInviteV2Body(Struct, kw_only=True):
    room_version: str
    event: dict[str, Any]
    invite_room_state: list[dict[str, Any]] | None = None


class SendInviteV2Response(TypedDict):
    event: dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def send_invite_v2(
        self,
        app: Any,
        origin: str,
        room_id: str,
        event_id: str,
        body: SendInviteV2Body,
    ) -> SendInviteV2Response | dict[str, Any]: ...


def send_invite_v2(
    app: Any,
    origin: str,
    room_id: str,
    event_id: str,
    body: SendInviteV2Body,
) -> SendInviteV2Response | dict[str, Any]:
    """PUT /_matrix/federation/v2/invite/{roomId}/{eventId}"""
    raise Unrecognized("sendInviteV2")
