"""api-specs/client-server/threads_list.yaml"""

from typing import Any

from generated.client.threads_list import GetThreadRootsQuery
from impl.app import App
from impl.requester import Requester
from impl.services import relations


def get_thread_roots(
    app: App, requester: Requester, room_id: str, query: GetThreadRootsQuery
) -> dict[str, Any]:
    return relations.thread_roots(
        app,
        requester,
        room_id,
        query.from_,
        query.limit,
        only_participated=query.include == "participated",
    )
