"""api-specs/client-server/support.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetWellknownSupportResponse(TypedDict):
    contacts: NotRequired[list[GetWellknownSupportResponseContactsItem]]
    support_page: NotRequired[str]


class GetWellknownSupportResponseContactsItem(TypedDict):
    matrix_id: NotRequired[str]
    email_address: NotRequired[str]
    role: Literal['m.role.admin', 'm.role.security']


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_wellknown_support(
        self,
        app: Any,
    ) -> GetWellknownSupportResponse | dict[str, Any]: ...


def get_wellknown_support(
    app: Any,
) -> GetWellknownSupportResponse | dict[str, Any]:
    """GET /.well-known/matrix/support"""
    raise Unrecognized("getWellknownSupport")
