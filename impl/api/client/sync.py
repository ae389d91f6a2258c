"""api-specs/client-server/sync.yaml"""

from typing import Any

from generated.client.sync import SyncQuery
from impl.app import App
from impl.requester import Requester
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question


def sync(app: App, requester: Requester, query: SyncQuery) -> dict[str, Any]:
    question = Question(
        filter=query.filter,
        since=query.since,
        timeout_ms=max(query.timeout or 0, 0),
        is_full_state=bool(query.full_state),
        use_state_after=bool(query.use_state_after),
        set_presence=query.set_presence or "online",
    )
    return syncing.answer(app, requester, question)
