"""api-specs/client-server/profile.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


SetProfileFieldBody: TypeAlias = dict[str, Any]


GetProfileFieldResponse: TypeAlias = dict[str, Any]


SetProfileFieldResponse: TypeAlias = dict[str, Any]


DeleteProfileFieldResponse: TypeAlias = dict[str, Any]


GetUserProfileResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_profile_field(
        self,
        app: Any,
        requester: Any | None,
        user_id: str,
        key_name: str,
    ) -> GetProfileFieldResponse | dict[str, Any]: ...

    def set_profile_field(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        key_name: str,
        body: dict[str, Any],
    ) -> SetProfileFieldResponse | dict[str, Any]: ...

    def delete_profile_field(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        key_name: str,
    ) -> DeleteProfileFieldResponse | dict[str, Any]: ...

    def get_user_profile(
        self,
        app: Any,
        requester: Any | None,
        user_id: str,
    ) -> GetUserProfileResponse | dict[str, Any]: ...


def get_profile_field(
    app: Any,
    requester: Any | None,
    user_id: str,
    key_name: str,
) -> GetProfileFieldResponse | dict[str, Any]:
    """GET /_matrix/client/v3/profile/{userId}/{keyName}"""
    raise Unrecognized("getProfileField")


def set_profile_field(
    app: Any,
    requester: Any,
    user_id: str,
    key_name: str,
    body: dict[str, Any],
) -> SetProfileFieldResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/profile/{userId}/{keyName}"""
    raise Unrecognized("setProfileField")


def delete_profile_field(
    app: Any,
    requester: Any,
    user_id: str,
    key_name: str,
) -> DeleteProfileFieldResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/profile/{userId}/{keyName}"""
    raise Unrecognized("deleteProfileField")


def get_user_profile(
    app: Any,
    requester: Any | None,
    user_id: str,
) -> GetUserProfileResponse | dict[str, Any]:
    """GET /_matrix/client/v3/profile/{userId}"""
    raise Unrecognized("getUserProfile")
