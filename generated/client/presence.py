"""api-specs/client-server/presence.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class SetPresenceBody(Struct, kw_only=True):
    presence: Literal['online', 'offline', 'unavailable']
    status_msg: str | None = None


class GetPresenceResponse(TypedDict):
    presence: Literal['online', 'offline', 'unavailable']
    last_active_ago: NotRequired[int]
    status_msg: NotRequired[str | None]
    currently_active: NotRequired[bool]


SetPresenceResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_presence(
        self,
        app: Any,
        requester: Any,
        user_id: str,
    ) -> GetPresenceResponse | dict[str, Any]: ...

    def set_presence(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        body: SetPresenceBody,
    ) -> SetPresenceResponse | dict[str, Any]: ...


def get_presence(
    app: Any,
    requester: Any,
    user_id: str,
) -> GetPresenceResponse | dict[str, Any]:
    """GET /_matrix/client/v3/presence/{userId}/status"""
    raise Unrecognized("getPresence")


def set_presence(
    app: Any,
    requester: Any,
    user_id: str,
    body: SetPresenceBody,
) -> SetPresenceResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/presence/{userId}/status"""
    raise Unrecognized("setPresence")
