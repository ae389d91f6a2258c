"""api-specs/unstable/federation_whitelist.yaml"""

from generated.unstable.federation_whitelist import GetFederationWhitelistResponse
from impl import errors
from impl.app import App
from impl.requester import Requester


def get_federation_whitelist(app: App, requester: Requester) -> GetFederationWhitelistResponse:
    if not app.config.federation_whitelist_endpoint_enabled:
        raise errors.Unrecognized("federation_whitelist_endpoint_enabled is false here")
    allowed = app.config.federation_domain_whitelist
    return {"whitelist_enabled": allowed is not None, "whitelist": sorted(allowed or ())}
