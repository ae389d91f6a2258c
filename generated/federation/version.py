"""api-specs/server-server/version.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetVersionResponse(TypedDict):
    server: NotRequired[GetVersionResponseServer]


class GetVersionResponseServer(TypedDict):
    name: NotRequired[str]
    version: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_version(
        self,
        app: Any,
    ) -> GetVersionResponse | dict[str, Any]: ...


def get_version(
    app: Any,
) -> GetVersionResponse | dict[str, Any]:
    """GET /_matrix/federation/v1/version"""
    raise Unrecognized("getVersion")
