"""api-specs/client-server/voip.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetTurnServerResponse(TypedDict):
    username: NotRequired[str]
    password: NotRequired[str]
    uris: NotRequired[list[str]]
    ttl: NotRequired[int]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_turn_server(
        self,
        app: Any,
        requester: Any,
    ) -> GetTurnServerResponse | dict[str, Any]: ...


def get_turn_server(
    app: Any,
    requester: Any,
) -> GetTurnServerResponse | dict[str, Any]:
    """GET /_matrix/client/v3/voip/turnServer"""
    raise Unrecognized("getTurnServer")
