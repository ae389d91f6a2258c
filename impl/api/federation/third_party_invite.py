"""api-specs/server-server/third_party_invite.yaml"""

from typing import Any

from generated.federation.third_party_invite import OnBindThirdPartyIdentifierBody
from impl.app import App
from impl.services import membership
from impl.services.federation_serving import third_party_invites


def exchange_third_party_invite(
    app: App, origin: str, room_id: str, body: dict[str, Any]
) -> dict[str, Any]:
    third_party_invites.exchange(app, origin, room_id, body)
    return {}


def on_bind_third_party_identifier(
    app: App, body: OnBindThirdPartyIdentifierBody
) -> dict[str, Any]:
    membership.refuse_third_party_invite()
    return {}
