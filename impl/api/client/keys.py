"""api-specs/client-server/keys.yaml"""

from typing import Any

from generated.client.keys import (
    ClaimKeysBody,
    GetKeysChangesQuery,
    GetKeysChangesResponse,
    QueryKeysBody,
    UploadKeysBody,
    UploadKeysResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import device_keys, device_lists


def upload_keys(app: App, requester: Requester, body: UploadKeysBody) -> UploadKeysResponse:
    counts = device_keys.upload(
        app, requester, body.device_keys, body.one_time_keys, body.fallback_keys
    )
    return {"one_time_key_counts": counts}


def query_keys(app: App, requester: Requester, body: QueryKeysBody) -> dict[str, Any]:
    return device_keys.query(app, requester, body.device_keys, body.timeout)


def claim_keys(app: App, requester: Requester, body: ClaimKeysBody) -> dict[str, Any]:
    keys, failures = device_keys.claim(app, body.one_time_keys, body.timeout)
    return {"one_time_keys": keys, "failures": failures}


def get_keys_changes(
    app: App, requester: Requester, query: GetKeysChangesQuery
) -> GetKeysChangesResponse:
    found = device_lists.changes(app, requester, query.from_, query.to)
    return {"changed": found.changed, "left": found.left}
