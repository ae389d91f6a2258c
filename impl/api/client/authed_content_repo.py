"""api-specs/client-server/authed-content-repo.yaml"""

from generated.client.authed_content_repo import (
    GetConfigAuthedResponse,
    GetContentAuthedQuery,
    GetContentOverrideNameAuthedQuery,
    GetContentThumbnailAuthedQuery,
)
from impl.app import App
from impl.core.thumbnails import Form
from impl.requester import Requester
from impl.services.media import downloads, thumbnails
from impl.services.media.content import Content
from impl.services.media.downloads import Asked


def get_content_authed(
    app: App,
    requester: Requester,
    server_name: str,
    media_id: str,
    query: GetContentAuthedQuery,
) -> Content:
    asked = Asked(server_name, media_id, query.timeout_ms, requester.user_id)
    return downloads.find(app, asked)


def get_content_override_name_authed(
    app: App,
    requester: Requester,
    server_name: str,
    media_id: str,
    file_name: str,
    query: GetContentOverrideNameAuthedQuery,
) -> Content:
    asked = Asked(server_name, media_id, query.timeout_ms, requester.user_id)
    return downloads.find(app, asked, file_name)


def get_content_thumbnail_authed(
    app: App,
    requester: Requester,
    server_name: str,
    media_id: str,
    query: GetContentThumbnailAuthedQuery,
) -> Content:
    asked = Asked(server_name, media_id, query.timeout_ms, requester.user_id)
    form = Form(query.width, query.height, query.method or "scale", bool(query.animated))
    return thumbnails.ask(app, asked, form)


def get_config_authed(app: App, requester: Requester) -> GetConfigAuthedResponse:
    return {"m.upload.size": app.config.max_upload_size}
