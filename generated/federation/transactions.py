"""api-specs/server-server/transactions.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class SendTransactionBody(Struct, kw_only=True):
    origin: str
    origin_server_ts: int
    pdus: list[dict[str, Any]]
    edus: list[dict[str, Any]] | None = None


class SendTransactionResponse(TypedDict):
    pdus: dict[str, SendTransactionResponsePdusValue]


class SendTransactionResponsePdusValue(TypedDict):
    error: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def send_transaction(
        self,
        app: Any,
        origin: str,
        txn_id: str,
        body: SendTransactionBody,
    ) -> SendTransactionResponse | dict[str, Any]: ...


def send_transaction(
    app: Any,
    origin: str,
    txn_id: str,
    body: SendTransactionBody,
) -> SendTransactionResponse | dict[str, Any]:
    """PUT /_matrix/federation/v1/send/{txnId}"""
    raise Unrecognized("sendTransaction")
