"""api-specs/server-server/content_repository.yaml"""

from generated.federation.content_repository import GetContentQuery
from impl.app import App
from impl.services.media import downloads
from impl.services.media.content import FederatedContent
from impl.services.media.downloads import Asked


def get_content(app: App, origin: str, media_id: str, query: GetContentQuery) -> FederatedContent:
    # Ours alone: what is another's, it is asked for itself.
    asked = Asked(app.server_name, media_id, query.timeout_ms, origin)
    return FederatedContent(downloads.find(app, asked))
