"""api-specs/identity-service/v2_ping.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, TypeAlias


PingV2Response: TypeAlias = dict[str, Any]
