"""api-specs/client-server/inviting.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class InviteUserBody(Struct, kw_only=True):
    user_id: str | None = None
    reason: str | None = None
    id_server: str | None = None
    id_access_token: str | None = None
    medium: str | None = None
    address: str | None = None


InviteUserResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def invite_user(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: InviteUserBody,
    ) -> InviteUserResponse | dict[str, Any]: ...


def invite_user(
    app: Any,
    requester: Any,
    room_id: str,
    body: InviteUserBody,
) -> InviteUserResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/invite"""
    raise Unrecognized("inviteUser")
