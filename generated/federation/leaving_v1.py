"""api-specs/server-server/leaving-v1.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class MakeLeaveResponse(TypedDict):
    room_version: NotRequired[str]
    event: NotRequired[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def make_leave(
        self,
        app: Any,
        origin: str,
        room_id: str,
        user_id: str,
    ) -> MakeLeaveResponse | dict[str, Any]: ...


def make_leave(
    app: Any,
    origin: str,
    room_id: str,
    user_id: str,
) -> MakeLeaveResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/make_leave/{roomId}/{userId}"""
    raise Unrecognized("makeLeave")
