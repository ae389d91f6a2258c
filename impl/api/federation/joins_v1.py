"""api-specs/server-server/joins-v1.yaml"""

from typing import Any

from generated.federation.joins_v1 import MakeJoinQuery
from impl.app import App
from impl.services.federation_serving import joins

# Of servers that are older than room versions.
_OLDEST = ("1",)


def make_join(
    app: App, origin: str, room_id: str, user_id: str, query: MakeJoinQuery
) -> dict[str, Any]:
    return joins.make(app, origin, room_id, user_id, query.ver or _OLDEST)
