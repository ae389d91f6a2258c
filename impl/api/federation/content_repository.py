"""api-specs/server-server/content_repository.yaml

Ours alone is given out: what is another's, that server is asked for."""

from generated.federation.content_repository import GetContentQuery, GetContentThumbnailQuery
from impl.app import App
from impl.core.thumbnails import Form
from impl.services.media import downloads, thumbnails
from impl.services.media.content import FederatedContent
from impl.services.media.downloads import Asked


def get_content(app: App, origin: str, media_id: str, query: GetContentQuery) -> FederatedContent:
    asked = Asked(app.server_name, media_id, query.timeout_ms, origin)
    return FederatedContent(downloads.find(app, asked))


def get_content_thumbnail(
    app: App, origin: str, media_id: str, query: GetContentThumbnailQuery
) -> FederatedContent:
    asked = Asked(app.server_name, media_id, query.timeout_ms, origin)
    form = Form(query.width, query.height, query.method or "scale", bool(query.animated))
    return FederatedContent(thumbnails.ask(app, asked, form))
