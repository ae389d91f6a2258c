"""api-specs/server-server/keys_query.yaml"""

from typing import Any

from generated.federation.keys_query import (
    BulkPerspectivesKeyQueryBody,
    PerspectivesKeyQueryQuery,
)
from impl.app import App
from impl.services import key_notary
from impl.services.key_notary import Wanted


def perspectives_key_query(
    app: App, server_name: str, query: PerspectivesKeyQueryQuery
) -> dict[str, Any]:
    wanted = {server_name: Wanted(query.minimum_valid_until_ts)}
    return {"server_keys": key_notary.query(app, wanted)}


def bulk_perspectives_key_query(app: App, body: BulkPerspectivesKeyQueryBody) -> dict[str, Any]:
    wanted = {}
    for server_name, keys in body.server_keys.items():
        times = [one.minimum_valid_until_ts for one in keys.values()]
        latest_ts = max((one for one in times if one is not None), default=None)
        wanted[server_name] = Wanted(latest_ts, keys)
    return {"server_keys": key_notary.query(app, wanted)}
