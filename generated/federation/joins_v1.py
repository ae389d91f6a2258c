"""api-specs/server-server/joins-v1.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class MakeJoinQuery(Struct, kw_only=True):
    ver: list[str] | None = None


class MakeJoinResponse(TypedDict):
    room_version: NotRequired[str]
    event: NotRequired[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def make_join(
        self,
        app: Any,
        origin: str,
        room_id: str,
        user_id: str,
        query: MakeJoinQuery,
    ) -> MakeJoinResponse | dict[str, Any]: ...


def make_join(
    app: Any,
    origin: str,
    room_id: str,
    user_id: str,
    query: MakeJoinQuery,
) -> MakeJoinResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/make_join/{roomId}/{userId}"""
    raise Unrecognized("makeJoin")
