"""api-specs/identity-service/v2_store_invite.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import NotRequired, TypedDict


class StoreInviteV2Response(Struct, kw_only=True):
    token: str
    public_keys: list[StoreInviteV2ResponsePublicKeysItem]
    display_name: str


class StoreInviteV2ResponsePublicKeysItem(Struct, kw_only=True):
    public_key: str
    key_validity_url: str


class StoreInviteV2Body(TypedDict):
    medium: str
    address: str
    room_id: str
    sender: str
    room_alias: NotRequired[str]
    room_avatar_url: NotRequired[str]
    room_join_rules: NotRequired[str]
    room_name: NotRequired[str]
    sender_display_name: NotRequired[str]
    sender_avatar_url: NotRequired[str]
    room_type: NotRequired[str]
