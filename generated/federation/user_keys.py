"""api-specs/server-server/user_keys.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class ClaimUserEncryptionKeysBody(Struct, kw_only=True):
    one_time_keys: dict[str, dict[str, str]]


class QueryUserEncryptionKeysBody(Struct, kw_only=True):
    device_keys: dict[str, list[str]]


class ClaimUserEncryptionKeysResponse(TypedDict):
    one_time_keys: dict[str, dict[str, dict[str, str | ClaimUserEncryptionKeysResponseOneTimeKeysValueValueValue]]]


class ClaimUserEncryptionKeysResponseOneTimeKeysValueValueValue(TypedDict):
    key: str
    signatures: dict[str, dict[str, str]]


class CrossSigningKeyDict(TypedDict):
    user_id: str
    usage: list[Literal['master', 'self_signing', 'user_signing']]
    keys: dict[str, str]
    signatures: NotRequired[dict[str, Any]]


class QueryUserEncryptionKeysResponse(TypedDict):
    device_keys: dict[str, dict[str, QueryUserEncryptionKeysResponseDeviceKeysValueValue]]
    master_keys: NotRequired[dict[str, CrossSigningKeyDict]]
    self_signing_keys: NotRequired[dict[str, CrossSigningKeyDict]]


class QueryUserEncryptionKeysResponseDeviceKeysValueValue(TypedDict):
    unsigned: NotRequired[QueryUserEncryptionKeysResponseDeviceKeysValueValueUnsigned]
    user_id: str
    device_id: str
    algorithms: list[str]
    keys: dict[str, str]
    signatures: dict[str, dict[str, str]]


class QueryUserEncryptionKeysResponseDeviceKeysValueValueUnsigned(TypedDict):
    device_display_name: NotRequired[str]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def claim_user_encryption_keys(
        self,
        app: Any,
        origin: str,
        body: ClaimUserEncryptionKeysBody,
    ) -> ClaimUserEncryptionKeysResponse | dict[str, Any]: ...

    def query_user_encryption_keys(
        self,
        app: Any,
        origin: str,
        body: QueryUserEncryptionKeysBody,
    ) -> QueryUserEncryptionKeysResponse | dict[str, Any]: ...


def claim_user_encryption_keys(
    app: Any,
    origin: str,
    body: ClaimUserEncryptionKeysBody,
) -> ClaimUserEncryptionKeysResponse | dict[str, Any]:
    """POST /_matrix/federation/v1/user/keys/claim"""
    raise Unrecognized("claimUserEncryptionKeys")


def query_user_encryption_keys(
    app: Any,
    origin: str,
    body: QueryUserEncryptionKeysBody,
) -> QueryUserEncryptionKeysResponse | dict[str, Any]:
    """POST /_matrix/federation/v1/user/keys/query"""
    raise Unrecognized("queryUserEncryptionKeys")
