"""api-specs/server-server/event_auth.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetEventAuthResponse(TypedDict):
    auth_chain: list[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_event_auth(
        self,
        app: Any,
        origin: str,
        room_id: str,
        event_id: str,
    ) -> GetEventAuthResponse | dict[str, Any]: ...


def get_event_auth(
    app: Any,
    origin: str,
    room_id: str,
    event_id: str,
) -> GetEventAuthResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/event_auth/{roomId}/{eventId}"""
    raise Unrecognized("getEventAuth")
