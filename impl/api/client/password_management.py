"""api-specs/client-server/password_management.yaml"""

from typing import Any

import msgspec

from generated.client.password_management import ChangePasswordBody
from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import accounts
from impl.services import user_interactive_auth as ui_auth


def change_password(
    app: App, requester: Requester | None, body: ChangePasswordBody
) -> dict[str, Any]:
    if requester is None:
        # Without a token it takes a confirmed address, of which this server has none.
        raise errors.MissingToken("no access token was given")
    accounts.check_may_change_password(app)
    accounts.check_password(app, body.new_password)
    request = msgspec.structs.asdict(body)
    # The session is kept in the database: the new password is not to lie there.
    new_password = request.pop("new_password")
    wanted = ui_auth.authenticate_user(app, requester, "change_password", request)
    logout_devices = wanted.get("logout_devices") is not False
    accounts.change_password(app, requester, new_password, logout_devices=logout_devices)
    return {}
