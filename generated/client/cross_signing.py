"""api-specs/client-server/cross_signing.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class UploadCrossSigningKeysBody(Struct, kw_only=True):
    master_key: dict[str, Any] | None = None
    self_signing_key: dict[str, Any] | None = None
    user_signing_key: dict[str, Any] | None = None
    auth: dict[str, Any] | None = None


UploadCrossSigningSignaturesBody: TypeAlias = dict[str, dict[str, dict[str, Any]]]


class UploadCrossSigningSignaturesResponse(TypedDict):
    failures: NotRequired[dict[str, dict[str, dict[str, Any]]]]


UploadCrossSigningKeysResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def upload_cross_signing_keys(
        self,
        app: Any,
        requester: Any,
        body: UploadCrossSigningKeysBody,
    ) -> UploadCrossSigningKeysResponse | dict[str, Any]: ...

    def upload_cross_signing_signatures(
        self,
        app: Any,
        requester: Any,
        body: UploadCrossSigningSignaturesBody,
    ) -> UploadCrossSigningSignaturesResponse | dict[str, Any]: ...


def upload_cross_signing_keys(
    app: Any,
    requester: Any,
    body: UploadCrossSigningKeysBody,
) -> UploadCrossSigningKeysResponse | dict[str, Any]:
    """POST /_matrix/client/v3/keys/device_signing/upload"""
    raise Unrecognized("uploadCrossSigningKeys")


def upload_cross_signing_signatures(
    app: Any,
    requester: Any,
    body: UploadCrossSigningSignaturesBody,
) -> UploadCrossSigningSignaturesResponse | dict[str, Any]:
    """POST /_matrix/client/v3/keys/signatures/upload"""
    raise Unrecognized("uploadCrossSigningSignatures")
