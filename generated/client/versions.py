"""api-specs/client-server/versions.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetVersionsResponse(TypedDict):
    versions: list[str]
    unstable_features: NotRequired[dict[str, bool]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_versions(
        self,
        app: Any,
        requester: Any | None,
    ) -> GetVersionsResponse | dict[str, Any]: ...


def get_versions(
    app: Any,
    requester: Any | None,
) -> GetVersionsResponse | dict[str, Any]:
    """GET /_matrix/client/versions"""
    raise Unrecognized("getVersions")
