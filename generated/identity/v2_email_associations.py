"""api-specs/identity-service/v2_email_associations.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import NotRequired, TypeAlias, TypedDict


class EmailSubmitTokenPostV2Response(Struct, kw_only=True):
    success: bool


class Sid(Struct, kw_only=True):
    sid: str


EmailRequestTokenV2Response: TypeAlias = Sid


class EmailSubmitTokenGetV2Query(TypedDict):
    sid: str
    client_secret: str
    token: str


class EmailSubmitTokenPostV2Body(TypedDict):
    sid: str
    client_secret: str
    token: str


class RequestEmailValidationDict(TypedDict):
    client_secret: str
    email: str
    send_attempt: int
    next_link: NotRequired[str]


EmailRequestTokenV2Body: TypeAlias = RequestEmailValidationDict
