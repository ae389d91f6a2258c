"""api-specs/client-server/wellknown.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


GetWellknownResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_wellknown(
        self,
        app: Any,
    ) -> GetWellknownResponse | dict[str, Any]: ...


def get_wellknown(
    app: Any,
) -> GetWellknownResponse | dict[str, Any]:
    """GET /.well-known/matrix/client"""
    raise Unrecognized("getWellknown")
