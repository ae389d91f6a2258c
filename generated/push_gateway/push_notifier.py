"""api-specs/push-gateway/push_notifier.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, TypedDict


class NotifyResponse(Struct, kw_only=True):
    rejected: list[str]


class NotifyBody(TypedDict):
    notification: dict[str, Any]
