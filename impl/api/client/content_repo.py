"""api-specs/client-server/content-repo.yaml"""

from generated.client.content_repo import (
    CreateContentResponse,
    GetConfigResponse,
    GetContentOverrideNameQuery,
    GetContentQuery,
    GetContentThumbnailQuery,
    UploadContentQuery,
    UploadContentResponse,
    UploadContentToMxcQuery,
    UploadContentToMxcResponse,
)
from impl.app import App
from impl.core.thumbnails import Form
from impl.received_file import ReceivedFile
from impl.requester import Requester
from impl.services.media import downloads, thumbnails, uploads
from impl.services.media.content import Content
from impl.services.media.downloads import Asked


def upload_content(
    app: App, requester: Requester, query: UploadContentQuery, body: ReceivedFile
) -> UploadContentResponse:
    return {"content_uri": uploads.upload(app, requester, body, query.filename)}


def upload_content_to_mxc(
    app: App,
    requester: Requester,
    server_name: str,
    media_id: str,
    query: UploadContentToMxcQuery,
    body: ReceivedFile,
) -> UploadContentToMxcResponse:
    uploads.keep_promise(app, requester, server_name, media_id, body, query.filename)
    return {}


def create_content(app: App, requester: Requester) -> CreateContentResponse:
    promise = uploads.promise(app, requester)
    return {
        "content_uri": promise.mxc_uri,
        "unused_expires_at": promise.unused_expires_ts,
    }


def get_content(app: App, server_name: str, media_id: str, query: GetContentQuery) -> Content:
    asked = Asked(server_name, media_id, query.timeout_ms, None, query.allow_remote)
    return downloads.find(app, asked)


def get_content_override_name(
    app: App,
    server_name: str,
    media_id: str,
    file_name: str,
    query: GetContentOverrideNameQuery,
) -> Content:
    asked = Asked(server_name, media_id, query.timeout_ms, None, query.allow_remote)
    return downloads.find(app, asked, file_name)


def get_content_thumbnail(
    app: App, server_name: str, media_id: str, query: GetContentThumbnailQuery
) -> Content:
    asked = Asked(server_name, media_id, query.timeout_ms, None, query.allow_remote)
    form = Form(query.width, query.height, query.method or "scale", bool(query.animated))
    return thumbnails.ask(app, asked, form)


def get_config(app: App, requester: Requester) -> GetConfigResponse:
    return {"m.upload.size": app.config.max_upload_size}
