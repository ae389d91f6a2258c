"""api-specs/client-server/redaction.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class RedactEventBody(Struct, kw_only=True):
    reason: str | None = None


class RedactEventResponse(TypedDict):
    event_id: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def redact_event(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        event_id: str,
        txn_id: str,
        body: RedactEventBody,
    ) -> RedactEventResponse | dict[str, Any]: ...


def redact_event(
    app: Any,
    requester: Any,
    room_id: str,
    event_id: str,
    txn_id: str,
    body: RedactEventBody,
) -> RedactEventResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}"""
    raise Unrecognized("redactEvent")
