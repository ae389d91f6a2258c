"""api-specs/client-server/registration_tokens.yaml"""

from generated.client.registration_tokens import (
    RegistrationTokenValidityQuery,
    RegistrationTokenValidityResponse,
)
from impl.app import App
from impl.services import registration


def registration_token_validity(
    app: App, query: RegistrationTokenValidityQuery
) -> RegistrationTokenValidityResponse:
    return {"valid": registration.is_token_valid(app, query.token)}
