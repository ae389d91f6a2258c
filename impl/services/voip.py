"""Where clients find a TURN server. C-S API, "Voice over IP"."""

import base64
import hashlib
import hmac
from typing import Any

from impl.app import App
from impl.requester import Requester


def turn_server(app: App, requester: Requester) -> dict[str, Any]:
    """Credentials for the configured servers; nothing where there are none."""
    turn = app.config.turn
    if not turn.uris or (requester.is_guest and not turn.allow_guests):
        return {}
    username, password = turn.username, turn.password
    if turn.shared_secret:
        # The form that TURN servers check by the shared secret: when it ends, and for whom.
        ends_s = (app.now_ms() + turn.user_lifetime) // 1000
        username = f"{ends_s}:{requester.user_id}"
        digest = hmac.new(turn.shared_secret.encode(), username.encode(), hashlib.sha1).digest()
        password = base64.b64encode(digest).decode()
    if username is None or password is None:
        return {}
    return {
        "username": username,
        "password": password,
        "ttl": turn.user_lifetime // 1000,
        "uris": list(turn.uris),
    }
