"""api-specs/client-server/oauth_server_metadata.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class GetAuthMetadataResponse(TypedDict):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    registration_endpoint: str
    response_types_supported: list[str]
    grant_types_supported: list[str]
    response_modes_supported: list[str]
    code_challenge_methods_supported: list[str]
    prompt_values_supported: NotRequired[list[str]]
    account_management_uri: NotRequired[str]
    account_management_actions_supported: NotRequired[list[Literal['org.matrix.profile', 'org.matrix.devices_list', 'org.matrix.device_view', 'org.matrix.device_delete', 'org.matrix.account_deactivate', 'org.matrix.cross_signing_reset']]]
    device_authorization_endpoint: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_auth_metadata(
        self,
        app: Any,
    ) -> GetAuthMetadataResponse | dict[str, Any]: ...


def get_auth_metadata(
    app: Any,
) -> GetAuthMetadataResponse | dict[str, Any]:
    """GET /_matrix/client/v1/auth_metadata"""
    raise Unrecognized("getAuthMetadata")
