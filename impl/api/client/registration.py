"""api-specs/client-server/registration.yaml"""

from typing import Any

import msgspec

from generated.client.registration import (
    CheckUsernameAvailabilityQuery,
    CheckUsernameAvailabilityResponse,
    RegisterBody,
    RegisterQuery,
)
from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import accounts, registration
from impl.services.sessions import APPLICATION_SERVICE


def register(
    app: App, requester: Requester | None, query: RegisterQuery, body: RegisterBody
) -> dict[str, Any]:
    request = msgspec.structs.asdict(body)
    if request.pop("type") == APPLICATION_SERVICE:
        return registration.register_for_service(app, requester, request)
    if requester is not None and requester.appservice_id and not requester.access_token_hash:
        raise errors.BadJson(f"type is not {APPLICATION_SERVICE}, as the access token asks for")
    return registration.register(app, query.kind, request)


def check_username_availability(
    app: App, query: CheckUsernameAvailabilityQuery
) -> CheckUsernameAvailabilityResponse:
    accounts.check_available(app, query.username.lower())
    return {"available": True}
