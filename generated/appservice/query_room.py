"""api-specs/application-service/query_room.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, TypeAlias


QueryRoomByAliasResponse: TypeAlias = dict[str, Any]
