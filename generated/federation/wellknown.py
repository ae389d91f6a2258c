"""api-specs/server-server/wellknown.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


GetWellKnownResponse = TypedDict('GetWellKnownResponse', {
    'm.server': NotRequired[str],})


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_well_known(
        self,
        app: Any,
    ) -> GetWellKnownResponse | dict[str, Any]: ...


def get_well_known(
    app: Any,
) -> GetWellKnownResponse | dict[str, Any]:
    """GET /.well-known/matrix/server"""
    raise Unrecognized("getWellKnown")
