"""api-specs/server-server/knocks.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class MakeKnockQuery(Struct, kw_only=True):
    ver: list[str]


SendKnockBody: TypeAlias = dict[str, Any]


class MakeKnockResponse(TypedDict):
    room_version: str
    event: dict[str, Any]


class SendKnockResponse(TypedDict):
    knock_room_state: list[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def make_knock(
        self,
        app: Any,
        origin: str,
        room_id: str,
        user_id: str,
        query: MakeKnockQuery,
    ) -> MakeKnockResponse | dict[str, Any]: ...

    def send_knock(
        self,
        app: Any,
        origin: str,
        room_id: str,
        event_id: str,
        body: dict[str, Any],
    ) -> SendKnockResponse | dict[str, Any]: ...


def make_knock(
    app: Any,
    origin: str,
    room_id: str,
    user_id: str,
    query: MakeKnockQuery,
) -> MakeKnockResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/make_knock/{roomId}/{userId}"""
    raise Unrecognized("makeKnock")


def send_knock(
    app: Any,
    origin: str,
    room_id: str,
    event_id: str,
    body: dict[str, Any],
) -> SendKnockResponse | dict[str, Any]:
    """PUT /_matrix/federation/v1/send_knock/{roomId}/{eventId}"""
    raise Unrecognized("sendKnock")
