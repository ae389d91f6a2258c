"""api-specs/client-server/keys.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class ClaimKeysBody(Struct, kw_only=True):
    one_time_keys: dict[str, dict[str, str]]
    timeout: int | None = None


class GetKeysChangesQuery(Struct, kw_only=True):
    from_: str = field(name='from')
    to: str


class QueryKeysBody(Struct, kw_only=True):
    device_keys: dict[str, list[str]]
    timeout: int | None = None


class UploadKeysBody(Struct, kw_only=True):
    device_keys: dict[str, Any] | None = None
    one_time_keys: dict[str, str | dict[str, Any]] | None = None
    fallback_keys: dict[str, str | dict[str, Any]] | None = None


class ClaimKeysResponse(TypedDict):
    failures: NotRequired[dict[str, dict[str, Any]]]
    one_time_keys: dict[str, dict[str, dict[str, str | dict[str, Any]]]]


class CrossSigningKeyDict(TypedDict):
    user_id: str
    usage: list[Literal['master', 'self_signing', 'user_signing']]
    keys: dict[str, str]
    signatures: NotRequired[dict[str, Any]]


class GetKeysChangesResponse(TypedDict):
    changed: NotRequired[list[str]]
    left: NotRequired[list[str]]


class QueryKeysResponse(TypedDict):
    failures: NotRequired[dict[str, dict[str, Any]]]
    device_keys: NotRequired[dict[str, dict[str, dict[str, Any]]]]
    master_keys: NotRequired[dict[str, CrossSigningKeyDict]]
    self_signing_keys: NotRequired[dict[str, CrossSigningKeyDict]]
    user_signing_keys: NotRequired[dict[str, CrossSigningKeyDict]]


class UploadKeysResponse(TypedDict):
    one_time_key_counts: dict[str, int]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def upload_keys(
        self,
        app: Any,
        requester: Any,
        body: UploadKeysBody,
    ) -> UploadKeysResponse | dict[str, Any]: ...

    def query_keys(
        self,
        app: Any,
        requester: Any,
        body: QueryKeysBody,
    ) -> QueryKeysResponse | dict[str, Any]: ...

    def claim_keys(
        self,
        app: Any,
        requester: Any,
        body: ClaimKeysBody,
    ) -> ClaimKeysResponse | dict[str, Any]: ...

    def get_keys_changes(
        self,
        app: Any,
        requester: Any,
        query: GetKeysChangesQuery,
    ) -> GetKeysChangesResponse | dict[str, Any]: ...


def upload_keys(
    app: Any,
    requester: Any,
    body: UploadKeysBody,
) -> UploadKeysResponse | dict[str, Any]:
    """POST /_matrix/client/v3/keys/upload"""
    raise Unrecognized("uploadKeys")


def query_keys(
    app: Any,
    requester: Any,
    body: QueryKeysBody,
) -> QueryKeysResponse | dict[str, Any]:
    """POST /_matrix/client/v3/keys/query"""
    raise Unrecognized("queryKeys")


def claim_keys(
    app: Any,
    requester: Any,
    body: ClaimKeysBody,
) -> ClaimKeysResponse | dict[str, Any]:
    """POST /_matrix/client/v3/keys/claim"""
    raise Unrecognized("claimKeys")


def get_keys_changes(
    app: Any,
    requester: Any,
    query: GetKeysChangesQuery,
) -> GetKeysChangesResponse | dict[str, Any]:
    """GET /_matrix/client/v3/keys/changes"""
    raise Unrecognized("getKeysChanges")
