"""api-specs/identity-service/v2_phone_associations.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import NotRequired, TypeAlias, TypedDict


class MsisdnSubmitTokenPostV2Response(Struct, kw_only=True):
    success: bool


class Sid(Struct, kw_only=True):
    sid: str


MsisdnRequestTokenV2Response: TypeAlias = Sid


class MsisdnSubmitTokenGetV2Query(TypedDict):
    sid: str
    client_secret: str
    token: str


class MsisdnSubmitTokenPostV2Body(TypedDict):
    sid: str
    client_secret: str
    token: str


class RequestMsisdnValidationDict(TypedDict):
    client_secret: str
    country: str
    phone_number: str
    send_attempt: int
    next_link: NotRequired[str]


MsisdnRequestTokenV2Body: TypeAlias = RequestMsisdnValidationDict
