"""api-specs/server-server/joins-v2.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class SendJoinV2Query(Struct, kw_only=True):
    omit_members: bool | None = None


SendJoinV2Body: TypeAlias = dict[str, Any]


class SendJoinV2Response(TypedDict):
    members_omitted: NotRequired[bool]
    auth_chain: list[dict[str, Any]]
    state: list[dict[str, Any]]
    event: NotRequired[dict[str, Any]]
    servers_in_room: NotRequired[list[str]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def send_join_v2(
        self,
        app: Any,
        origin: str,
        room_id: str,
        event_id: str,
        query: SendJoinV2Query,
        body: dict[str, Any],
    ) -> SendJoinV2Response | dict[str, Any]: ...


def send_join_v2(
    app: Any,
    origin: str,
    room_id: str,
    event_id: str,
    query: SendJoinV2Query,
    body: dict[str, Any],
) -> SendJoinV2Response | dict[str, Any]:
    """PUT /_matrix/federation/v2/send_join/{roomId}/{eventId}"""
    raise Unrecognized("sendJoinV2")
