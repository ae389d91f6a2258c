"""api-specs/client-server/receipts.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class PostReceiptBody(Struct, kw_only=True):
    thread_id: str | None = None


PostReceiptResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def post_receipt(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        receipt_type: str,
        event_id: str,
        body: PostReceiptBody,
    ) -> PostReceiptResponse | dict[str, Any]: ...


def post_receipt(
    app: Any,
    requester: Any,
    room_id: str,
    receipt_type: str,
    event_id: str,
    body: PostReceiptBody,
) -> PostReceiptResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}"""
    raise Unrecognized("postReceipt")
