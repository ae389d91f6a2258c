"""api-specs/client-server/account_deactivation.yaml"""

import msgspec

from generated.client.account_deactivation import (
    DeactivateAccountBody,
    DeactivateAccountResponse,
)
from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import accounts, devices
from impl.services import user_interactive_auth as ui_auth


def deactivate_account(
    app: App, requester: Requester | None, body: DeactivateAccountBody
) -> DeactivateAccountResponse:
    if requester is None:
        # Without a token the account would be named by a stage that this server does not have.
        raise errors.MissingToken("no access token was given")
    wanted = msgspec.structs.asdict(body)
    # COMPAT(Synapse): a service ends its users' accounts, which have no password to prove.
    if not devices.is_service(requester):
        wanted = ui_auth.authenticate_user(app, requester, "deactivate", wanted)
    accounts.deactivate(app, requester, erase=bool(wanted.get("erase")))
    return {"id_server_unbind_result": "no-support"}
