"""api-specs/server-server/joins-v2.yaml"""

from typing import Any

from generated.federation.joins_v2 import SendJoinV2Query
from impl.app import App
from impl.services.federation_serving import joins


def send_join_v2(
    app: App,
    origin: str,
    room_id: str,
    event_id: str,
    query: SendJoinV2Query,
    body: dict[str, Any],
) -> dict[str, Any]:
    omits_members = bool(query.omit_members)
    return joins.send(app, origin, room_id, event_id, body, omits_members=omits_members)
