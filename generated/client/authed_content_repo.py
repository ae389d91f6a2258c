"""api-specs/client-server/authed-content-repo.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetContentAuthedQuery(Struct, kw_only=True):
    timeout_ms: int = 20000


class GetContentOverrideNameAuthedQuery(Struct, kw_only=True):
    timeout_ms: int = 20000


class GetContentThumbnailAuthedQuery(Struct, kw_only=True):
    width: int
    height: int
    method: Literal['crop', 'scale'] | None = None
    timeout_ms: int = 20000
    animated: bool | None = None


class GetUrlPreviewAuthedQuery(Struct, kw_only=True):
    url: str
    ts: int | None = None


GetConfigAuthedResponse = TypedDict('GetConfigAuthedResponse', {
    'm.upload.size': NotRequired[int],})


GetUrlPreviewAuthedResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_content_authed(
        self,
        app: Any,
        requester: Any,
        server_name: str,
        media_id: str,
        query: GetContentAuthedQuery,
    ) -> Any: ...

    def get_content_override_name_authed(
        self,
        app: Any,
        requester: Any,
        server_name: str,
        media_id: str,
        file_name: str,
        query: GetContentOverrideNameAuthedQuery,
    ) -> Any: ...

    def get_content_thumbnail_authed(
        self,
        app: Any,
        requester: Any,
        server_name: str,
        media_id: str,
        query: GetContentThumbnailAuthedQuery,
    ) -> Any: ...

    def get_url_preview_authed(
        self,
        app: Any,
        requester: Any,
        query: GetUrlPreviewAuthedQuery,
    ) -> GetUrlPreviewAuthedResponse | dict[str, Any]: ...

    def get_config_authed(
        self,
        app: Any,
        requester: Any,
    ) -> GetConfigAuthedResponse | dict[str, Any]: ...


def get_content_authed(
    app: Any,
    requester: Any,
    server_name: str,
    media_id: str,
    query: GetContentAuthedQuery,
) -> Any:
    """GET /_matrix/client/v1/media/download/{serverName}/{mediaId}"""
    raise Unrecognized("getContentAuthed")


def get_content_override_name_authed(
    app: Any,
    requester: Any,
    server_name: str,
    media_id: str,
    file_name: str,
    query: GetContentOverrideNameAuthedQuery,
) -> Any:
    """GET /_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}"""
    raise Unrecognized("getContentOverrideNameAuthed")


def get_content_thumbnail_authed(
    app: Any,
    requester: Any,
    server_name: str,
    media_id: str,
    query: GetContentThumbnailAuthedQuery,
) -> Any:
    """GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}"""
    raise Unrecognized("getContentThumbnailAuthed")


def get_url_preview_authed(
    app: Any,
    requester: Any,
    query: GetUrlPreviewAuthedQuery,
) -> GetUrlPreviewAuthedResponse | dict[str, Any]:
    """GET /_matrix/client/v1/media/preview_url"""
    raise Unrecognized("getUrlPreviewAuthed")


def get_config_authed(
    app: Any,
    requester: Any,
) -> GetConfigAuthedResponse | dict[str, Any]:
    """GET /_matrix/client/v1/media/config"""
    raise Unrecognized("getConfigAuthed")
