"""api-specs/server-server/space_hierarchy.yaml"""

from typing import Any

from generated.federation.space_hierarchy import GetSpaceHierarchyQuery
from impl.app import App
from impl.services.federation_serving import space


def get_space_hierarchy(
    app: App, origin: str, room_id: str, query: GetSpaceHierarchyQuery
) -> dict[str, Any]:
    return space.hierarchy(app, origin, room_id, is_suggested_only=bool(query.suggested_only))
