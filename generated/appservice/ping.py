"""api-specs/application-service/ping.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, TypeAlias, TypedDict


PingResponse: TypeAlias = dict[str, Any]


class PingBody(TypedDict):
    transaction_id: NotRequired[str]
