"""api-specs/server-server/openid.yaml"""

from generated.federation.openid import ExchangeOpenIdTokenQuery, ExchangeOpenIdTokenResponse
from impl.app import App
from impl.services import openid


def exchange_open_id_token(
    app: App, query: ExchangeOpenIdTokenQuery
) -> ExchangeOpenIdTokenResponse:
    return {"sub": openid.user_of(app, query.access_token)}
