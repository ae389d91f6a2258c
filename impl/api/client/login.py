"""api-specs/client-server/login.yaml"""

from typing import Any

from generated.client.login import GetLoginFlowsResponse, LoginBody
from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import discovery, sessions
from impl.services.sessions import DeviceWish


def get_login_flows(app: App) -> GetLoginFlowsResponse:
    return {"flows": [{"type": name} for name in sessions.login_types(app)]}


def login(app: App, requester: Requester | None, body: LoginBody) -> dict[str, Any]:
    if body.type not in sessions.login_types(app):
        raise errors.Unknown("type is none of the login types of this server")
    wish = DeviceWish(body.device_id, body.initial_device_display_name, bool(body.refresh_token))
    if body.type == sessions.APPLICATION_SERVICE:
        service = sessions.service_that_logs_in(app, requester)
        session = sessions.log_in_for_service(app, service, body.identifier, body.user, wish)
    else:
        session = sessions.log_in_with_password(
            app, body.identifier, body.user, body.password, wish
        )
    return {**session, "well_known": discovery.client_well_known(app)}
