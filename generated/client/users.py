"""api-specs/client-server/users.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class SearchUserDirectoryBody(Struct, kw_only=True):
    search_term: str
    limit: int | None = None


class SearchUserDirectoryResponse(TypedDict):
    results: list[SearchUserDirectoryResponseResultsItem]
    limited: bool


class SearchUserDirectoryResponseResultsItem(TypedDict):
    user_id: str
    display_name: NotRequired[str]
    avatar_url: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def search_user_directory(
        self,
        app: Any,
        requester: Any,
        body: SearchUserDirectoryBody,
    ) -> SearchUserDirectoryResponse | dict[str, Any]: ...


def search_user_directory(
    app: Any,
    requester: Any,
    body: SearchUserDirectoryBody,
) -> SearchUserDirectoryResponse | dict[str, Any]:
    """POST /_matrix/client/v3/user_directory/search"""
    raise Unrecognized("searchUserDirectory")
