"""api-specs/client-server/room_state.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


SetRoomStateWithKeyBody: TypeAlias = dict[str, Any]


class SetRoomStateWithKeyResponse(TypedDict):
    event_id: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def set_room_state_with_key(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_type: str,
        state_key: str,
        body: dict[str, Any],
    ) -> SetRoomStateWithKeyResponse | dict[str, Any]: ...


def set_room_state_with_key(
    app: Any,
    requester: Any,
    room_id: str,
    event_type: str,
    state_key: str,
    body: dict[str, Any],
) -> SetRoomStateWithKeyResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}"""
    raise Unrecognized("setRoomStateWithKey")
