"""api-specs/server-server/third_party_invite.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class OnBindThirdPartyIdentifierBody(Struct, kw_only=True):
    medium: str
    address: str
    mxid: str
    invites: list[OnBindThirdPartyIdentifierBodyInvitesItem]


class OnBindThirdPartyIdentifierBodyInvitesItem(Struct, kw_only=True):
    medium: str
    address: str
    mxid: str
    room_id: str
    sender: str
    signed: dict[str, Any]


ExchangeThirdPartyInviteBody: TypeAlias = dict[str, Any]


ExchangeThirdPartyInviteResponse: TypeAlias = dict[str, Any]


OnBindThirdPartyIdentifierResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def exchange_third_party_invite(
        self,
        app: Any,
        origin: str,
        room_id: str,
        body: dict[str, Any],
    ) -> ExchangeThirdPartyInviteResponse | dict[str, Any]: ...

    def on_bind_third_party_identifier(
        self,
        app: Any,
        body: OnBindThirdPartyIdentifierBody,
    ) -> OnBindThirdPartyIdentifierResponse | dict[str, Any]: ...


def exchange_third_party_invite(
    app: Any,
    origin: str,
    room_id: str,
    body: dict[str, Any],
) -> ExchangeThirdPartyInviteResponse | dict[str, Any]:
    """PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId}"""
    raise Unrecognized("exchangeThirdPartyInvite")


def on_bind_third_party_identifier(
    app: Any,
    body: OnBindThirdPartyIdentifierBody,
) -> OnBindThirdPartyIdentifierResponse | dict[str, Any]:
    """PUT /_matrix/federation/v1/3pid/onbind"""
    raise Unrecognized("onBindThirdPartyIdentifier")
