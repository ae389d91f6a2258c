"""api-specs/server-server/user_keys.yaml"""

from typing import Any

from generated.federation.user_keys import ClaimUserEncryptionKeysBody, QueryUserEncryptionKeysBody
from impl.app import App
from impl.services.federation_serving import keys


def query_user_encryption_keys(
    app: App, origin: str, body: QueryUserEncryptionKeysBody
) -> dict[str, Any]:
    return keys.query(app, body.device_keys)


def claim_user_encryption_keys(
    app: App, origin: str, body: ClaimUserEncryptionKeysBody
) -> dict[str, Any]:
    return keys.claim(app, body.one_time_keys)
