"""api-specs/client-server/room_send.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


SendMessageBody: TypeAlias = dict[str, Any]


class SendMessageResponse(TypedDict):
    event_id: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def send_message(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_type: str,
        txn_id: str,
        body: dict[str, Any],
    ) -> SendMessageResponse | dict[str, Any]: ...


def send_message(
    app: Any,
    requester: Any,
    room_id: str,
    event_type: str,
    txn_id: str,
    body: dict[str, Any],
) -> SendMessageResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}"""
    raise Unrecognized("sendMessage")
