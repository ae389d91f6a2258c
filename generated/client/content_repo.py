"""api-specs/client-server/content-repo.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetContentOverrideNameQuery(Struct, kw_only=True):
    allow_remote: bool = True
    timeout_ms: int = 20000
    allow_redirect: bool = False


class GetContentQuery(Struct, kw_only=True):
    allow_remote: bool = True
    timeout_ms: int = 20000
    allow_redirect: bool = False


class GetContentThumbnailQuery(Struct, kw_only=True):
    width: int
    height: int
    method: Literal['crop', 'scale'] | None = None
    allow_remote: bool = True
    timeout_ms: int = 20000
    allow_redirect: bool = False
    animated: bool | None = None


class GetUrlPreviewQuery(Struct, kw_only=True):
    url: str
    ts: int | None = None


class UploadContentQuery(Struct, kw_only=True):
    filename: str | None = None


class UploadContentToMxcQuery(Struct, kw_only=True):
    filename: str | None = None


class CreateContentResponse(TypedDict):
    content_uri: str
    unused_expires_at: NotRequired[int]


GetConfigResponse = TypedDict('GetConfigResponse', {
    'm.upload.size': NotRequired[int],})


class UploadContentResponse(TypedDict):
    content_uri: str


UploadContentToMxcResponse: TypeAlias = dict[str, Any]


GetUrlPreviewResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def upload_content(
        self,
        app: Any,
        requester: Any,
        query: UploadContentQuery,
        body: Any,
    ) -> UploadContentResponse | dict[str, Any]: ...

    def upload_content_to_mxc(
        self,
        app: Any,
        requester: Any,
        server_name: str,
        media_id: str,
        query: UploadContentToMxcQuery,
        body: Any,
    ) -> UploadContentToMxcResponse | dict[str, Any]: ...

    def create_content(
        self,
        app: Any,
        requester: Any,
    ) -> CreateContentResponse | dict[str, Any]: ...

    def get_content(
        self,
        app: Any,
        server_name: str,
        media_id: str,
        query: GetContentQuery,
    ) -> Any: ...

    def get_content_override_name(
        self,
        app: Any,
        server_name: str,
        media_id: str,
        file_name: str,
        query: GetContentOverrideNameQuery,
    ) -> Any: ...

    def get_content_thumbnail(
        self,
        app: Any,
        server_name: str,
        media_id: str,
        query: GetContentThumbnailQuery,
    ) -> Any: ...

    def get_url_preview(
        self,
        app: Any,
        requester: Any,
        query: GetUrlPreviewQuery,
    ) -> GetUrlPreviewResponse | dict[str, Any]: ...

    def get_config(
        self,
        app: Any,
        requester: Any,
    ) -> GetConfigResponse | dict[str, Any]: ...


def upload_content(
    app: Any,
    requester: Any,
    query: UploadContentQuery,
    body: Any,
) -> UploadContentResponse | dict[str, Any]:
    """POST /_matrix/media/v3/upload"""
    raise Unrecognized("uploadContent")


def upload_content_to_mxc(
    app: Any,
    requester: Any,
    server_name: str,
    media_id: str,
    query: UploadContentToMxcQuery,
    body: Any,
) -> UploadContentToMxcResponse | dict[str, Any]:
    """PUT /_matrix/media/v3/upload/{serverName}/{mediaId}"""
    raise Unrecognized("uploadContentToMXC")


def create_content(
    app: Any,
    requester: Any,
) -> CreateContentResponse | dict[str, Any]:
    """POST /_matrix/media/v1/create"""
    raise Unrecognized("createContent")


def get_content(
    app: Any,
    server_name: str,
    media_id: str,
    query: GetContentQuery,
) -> Any:
    """GET /_matrix/media/v3/download/{serverName}/{mediaId}"""
    raise Unrecognized("getContent")


def get_content_override_name(
    app: Any,
    server_name: str,
    media_id: str,
    file_name: str,
    query: GetContentOverrideNameQuery,
) -> Any:
    """GET /_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}"""
    raise Unrecognized("getContentOverrideName")


def get_content_thumbnail(
    app: Any,
    server_name: str,
    media_id: str,
    query: GetContentThumbnailQuery,
) -> Any:
    """GET /_matrix/media/v3/thumbnail/{serverName}/{mediaId}"""
    raise Unrecognized("getContentThumbnail")


def get_url_preview(
    app: Any,
    requester: Any,
    query: GetUrlPreviewQuery,
) -> GetUrlPreviewResponse | dict[str, Any]:
    """GET /_matrix/media/v3/preview_url"""
    raise Unrecognized("getUrlPreview")


def get_config(
    app: Any,
    requester: Any,
) -> GetConfigResponse | dict[str, Any]:
    """GET /_matrix/media/v3/config"""
    raise Unrecognized("getConfig")
