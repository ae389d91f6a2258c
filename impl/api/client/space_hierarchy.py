"""api-specs/client-server/space_hierarchy.yaml"""

from generated.client.space_hierarchy import GetSpaceHierarchyQuery, GetSpaceHierarchyResponse
from impl.app import App
from impl.requester import Requester
from impl.services import spaces
from impl.services.spaces import Query


def get_space_hierarchy(
    app: App, requester: Requester, room_id: str, query: GetSpaceHierarchyQuery
) -> GetSpaceHierarchyResponse:
    asked = Query(
        is_suggested_only=bool(query.suggested_only),
        limit=query.limit,
        max_depth=query.max_depth,
        from_token=query.from_,
    )
    return spaces.hierarchy(app, requester, room_id, asked)  # type: ignore[return-value]
