"""api-specs/client-server/logout.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


LogoutResponse: TypeAlias = dict[str, Any]


LogoutAllResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def logout(
        self,
        app: Any,
        requester: Any,
    ) -> LogoutResponse | dict[str, Any]: ...

    def logout_all(
        self,
        app: Any,
        requester: Any,
    ) -> LogoutAllResponse | dict[str, Any]: ...


def logout(
    app: Any,
    requester: Any,
) -> LogoutResponse | dict[str, Any]:
    """POST /_matrix/client/v3/logout"""
    raise Unrecognized("logout")


def logout_all(
    app: Any,
    requester: Any,
) -> LogoutAllResponse | dict[str, Any]:
    """POST /_matrix/client/v3/logout/all"""
    raise Unrecognized("logout_all")
