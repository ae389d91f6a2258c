"""api-specs/client-server/typing.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class SetTypingBody(Struct, kw_only=True):
    typing: bool
    timeout: int | None = None


SetTypingResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def set_typing(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        user_id: str,
        body: SetTypingBody,
    ) -> SetTypingResponse | dict[str, Any]: ...


def set_typing(
    app: Any,
    requester: Any,
    room_id: str,
    user_id: str,
    body: SetTypingBody,
) -> SetTypingResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}"""
    raise Unrecognized("setTyping")
