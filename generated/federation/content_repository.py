"""api-specs/server-server/content_repository.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, Protocol

from generated.unrecognized import Unrecognized


class GetContentQuery(Struct, kw_only=True):
    timeout_ms: int = 20000


class GetContentThumbnailQuery(Struct, kw_only=True):
    width: int
    height: int
    method: Literal['crop', 'scale'] | None = None
    timeout_ms: int = 20000
    animated: bool | None = None


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_content(
        self,
        app: Any,
        origin: str,
        media_id: str,
        query: GetContentQuery,
    ) -> Any: ...

    def get_content_thumbnail(
        self,
        app: Any,
        origin: str,
        media_id: str,
        query: GetContentThumbnailQuery,
    ) -> Any: ...


def get_content(
    app: Any,
    origin: str,
    media_id: str,
    query: GetContentQuery,
) -> Any:
    """GET /_matrix/federation/v1/media/download/{mediaId}"""
    raise Unrecognized("getContent")


def get_content_thumbnail(
    app: Any,
    origin: str,
    media_id: str,
    query: GetContentThumbnailQuery,
) -> Any:
    """GET /_matrix/federation/v1/media/thumbnail/{mediaId}"""
    raise Unrecognized("getContentThumbnail")
