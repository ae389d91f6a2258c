"""api-specs/client-server/threads_list.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetThreadRootsQuery(Struct, kw_only=True):
    include: Literal['all', 'participated'] | None = None
    limit: int | None = None
    from_: str | None = field(name='from', default=None)


class GetThreadRootsResponse(TypedDict):
    chunk: list[dict[str, Any]]
    next_batch: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_thread_roots(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        query: GetThreadRootsQuery,
    ) -> GetThreadRootsResponse | dict[str, Any]: ...


def get_thread_roots(
    app: Any,
    requester: Any,
    room_id: str,
    query: GetThreadRootsQuery,
) -> GetThreadRootsResponse | dict[str, Any]:
    """GET /_matrix/client/v1/rooms/{roomId}/threads"""
    raise Unrecognized("getThreadRoots")
