"""api-specs/server-server/keys_server.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class KeysDict(TypedDict):
    server_name: str
    verify_keys: dict[str, KeysDictVerifyKeysValue]
    old_verify_keys: NotRequired[dict[str, KeysDictOldVerifyKeysValue]]
    signatures: dict[str, dict[str, str]]
    valid_until_ts: int


GetServerKeyResponse: TypeAlias = KeysDict


class KeysDictOldVerifyKeysValue(TypedDict):
    expired_ts: int
    key: str


class KeysDictVerifyKeysValue(TypedDict):
    key: str


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_server_key(
        self,
        app: Any,
    ) -> GetServerKeyResponse | dict[str, Any]: ...


def get_server_key(
    app: Any,
) -> GetServerKeyResponse | dict[str, Any]:
    """GET /_matrix/key/v2/server"""
    raise Unrecognized("getServerKey")
