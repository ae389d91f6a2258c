"""api-specs/client-server/cross_signing.yaml"""

from typing import Any

import msgspec

from generated.client.cross_signing import (
    UploadCrossSigningKeysBody,
    UploadCrossSigningSignaturesBody,
    UploadCrossSigningSignaturesResponse,
)
from impl.app import App
from impl.requester import Requester
from impl.services import cross_signing


def upload_cross_signing_keys(
    app: App, requester: Requester, body: UploadCrossSigningKeysBody
) -> dict[str, Any]:
    cross_signing.upload(app, requester, msgspec.structs.asdict(body))
    return {}


def upload_cross_signing_signatures(
    app: App, requester: Requester, body: UploadCrossSigningSignaturesBody
) -> UploadCrossSigningSignaturesResponse:
    return {"failures": cross_signing.sign(app, requester, body)}
