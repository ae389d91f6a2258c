"""Tokens by which somebody else's service learns who a user is. C-S API, "OpenID".

Such a token is good for nothing but that: the table is another than that of access tokens."""

import secrets
from typing import Any

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import sessions
from impl.storage import openid

LIFETIME_MS = 3_600_000


def request_token(app: App, requester: Requester, user_id: str) -> dict[str, Any]:
    """A token for the requester to show. Raises Forbidden for another user's."""
    if user_id != requester.user_id:
        raise errors.Forbidden("you can only request a token of your own")
    token = "somo_" + secrets.token_urlsafe(32)
    now_ms = app.now_ms()
    with app.database.transaction() as txn:
        digest = sessions.token_hash(token)
        openid.insert(txn, digest, requester.user_id, now_ms, now_ms + LIFETIME_MS)
    return {
        "access_token": token,
        "token_type": "Bearer",
        "matrix_server_name": app.server_name,
        "expires_in": LIFETIME_MS // 1000,
    }


def user_of(app: App, token: str) -> str:
    """Whose token it is: what the service that was shown it asks. Raises UnknownToken."""
    with app.database.read() as txn:
        user_id = openid.get_user(txn, sessions.token_hash(token), app.now_ms())
    if user_id is None:
        raise errors.UnknownToken("the token is unknown or its time is over")
    return user_id
