"""api-specs/client-server/filter.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


DefineFilterBody: TypeAlias = dict[str, Any]


class DefineFilterResponse(TypedDict):
    filter_id: str


GetFilterResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def define_filter(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        body: dict[str, Any],
    ) -> DefineFilterResponse | dict[str, Any]: ...

    def get_filter(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        filter_id: str,
    ) -> GetFilterResponse | dict[str, Any]: ...


def define_filter(
    app: Any,
    requester: Any,
    user_id: str,
    body: dict[str, Any],
) -> DefineFilterResponse | dict[str, Any]:
    """POST /_matrix/client/v3/user/{userId}/filter"""
    raise Unrecognized("defineFilter")


def get_filter(
    app: Any,
    requester: Any,
    user_id: str,
    filter_id: str,
) -> GetFilterResponse | dict[str, Any]:
    """GET /_matrix/client/v3/user/{userId}/filter/{filterId}"""
    raise Unrecognized("getFilter")
