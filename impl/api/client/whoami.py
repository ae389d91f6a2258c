"""api-specs/client-server/whoami.yaml"""

from generated.client.whoami import GetTokenOwnerResponse
from impl.app import App
from impl.requester import Requester


def get_token_owner(app: App, requester: Requester) -> GetTokenOwnerResponse:
    owner: GetTokenOwnerResponse = {"user_id": requester.user_id, "is_guest": requester.is_guest}
    if requester.device_id is not None:
        owner["device_id"] = requester.device_id
    return owner
