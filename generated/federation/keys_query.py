"""api-specs/server-server/keys_query.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class BulkPerspectivesKeyQueryBody(Struct, kw_only=True):
    server_keys: dict[str, dict[str, BulkPerspectivesKeyQueryBodyServerKeysValueValue]]


class BulkPerspectivesKeyQueryBodyServerKeysValueValue(Struct, kw_only=True):
    minimum_valid_until_ts: int | None = None


class PerspectivesKeyQueryQuery(Struct, kw_only=True):
    minimum_valid_until_ts: int | None = None


class KeysDict(TypedDict):
    server_name: str
    verify_keys: dict[str, KeysDictVerifyKeysValue]
    old_verify_keys: NotRequired[dict[str, KeysDictOldVerifyKeysValue]]
    signatures: dict[str, dict[str, str]]
    valid_until_ts: int


class KeysDictOldVerifyKeysValue(TypedDict):
    expired_ts: int
    key: str


class KeysDictVerifyKeysValue(TypedDict):
    key: str


class KeysQueryResponseDict(TypedDict):
    server_keys: NotRequired[list[KeysDict]]


BulkPerspectivesKeyQueryResponse: TypeAlias = KeysQueryResponseDict


PerspectivesKeyQueryResponse: TypeAlias = KeysQueryResponseDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def perspectives_key_query(
        self,
        app: Any,
        server_name: str,
        query: PerspectivesKeyQueryQuery,
    ) -> PerspectivesKeyQueryResponse | dict[str, Any]: ...

    def bulk_perspectives_key_query(
        self,
        app: Any,
        body: BulkPerspectivesKeyQueryBody,
    ) -> BulkPerspectivesKeyQueryResponse | dict[str, Any]: ...


def perspectives_key_query(
    app: Any,
    server_name: str,
    query: PerspectivesKeyQueryQuery,
) -> PerspectivesKeyQueryResponse | dict[str, Any]:
    """GET /_matrix/key/v2/query/{serverName}"""
    raise Unrecognized("perspectivesKeyQuery")


def bulk_perspectives_key_query(
    app: Any,
    body: BulkPerspectivesKeyQueryBody,
) -> BulkPerspectivesKeyQueryResponse | dict[str, Any]:
    """POST /_matrix/key/v2/query"""
    raise Unrecognized("bulkPerspectivesKeyQuery")
