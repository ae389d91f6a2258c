"""api-specs/application-service/transactions.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, TypeAlias, TypedDict


SendTransactionResponse: TypeAlias = dict[str, Any]


class SendTransactionBody(TypedDict):
    events: list[dict[str, Any]]
    ephemeral: NotRequired[list[dict[str, Any]]]
