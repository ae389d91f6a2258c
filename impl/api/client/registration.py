"""api-specs/client-server/registration.yaml"""

from typing import Any

import msgspec

from generated.client.registration import (
    CheckUsernameAvailabilityQuery,
    CheckUsernameAvailabilityResponse,
    RegisterBody,
    RegisterQuery,
)
from impl.app import App
from impl.services import accounts, registration


def register(app: App, query: RegisterQuery, body: RegisterBody) -> dict[str, Any]:
    return registration.register(app, query.kind, msgspec.structs.asdict(body))


def check_username_availability(
    app: App, query: CheckUsernameAvailabilityQuery
) -> CheckUsernameAvailabilityResponse:
    accounts.check_available(app, query.username)
    return {"available": True}
