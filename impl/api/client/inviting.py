"""api-specs/client-server/inviting.yaml"""

from generated.client.inviting import InviteUserBody, InviteUserResponse
from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import membership


def invite_user(
    app: App, requester: Requester, room_id: str, body: InviteUserBody
) -> InviteUserResponse:
    if body.user_id is None:
        if body.id_server is not None:
            membership.refuse_third_party_invite()
        raise errors.MissingParam("user_id is missing")
    membership.invite(app, requester, room_id, body.user_id, body.reason)
    return {}
