"""api-specs/application-service/query_user.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, TypeAlias


QueryUserByIdResponse: TypeAlias = dict[str, Any]
