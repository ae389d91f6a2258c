"""api-specs/client-server/account-data.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


SetAccountDataBody: TypeAlias = dict[str, Any]


SetAccountDataPerRoomBody: TypeAlias = dict[str, Any]


GetAccountDataResponse: TypeAlias = dict[str, Any]


SetAccountDataResponse: TypeAlias = dict[str, Any]


GetAccountDataPerRoomResponse: TypeAlias = dict[str, Any]


SetAccountDataPerRoomResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_account_data(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        type: str,
    ) -> GetAccountDataResponse | dict[str, Any]: ...

    def set_account_data(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        type: str,
        body: dict[str, Any],
    ) -> SetAccountDataResponse | dict[str, Any]: ...

    def get_account_data_per_room(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        room_id: str,
        type: str,
    ) -> GetAccountDataPerRoomResponse | dict[str, Any]: ...

    def set_account_data_per_room(
        self,
        app: Any,
        requester: Any,
        user_id: str,
        room_id: str,
        type: str,
        body: dict[str, Any],
    ) -> SetAccountDataPerRoomResponse | dict[str, Any]: ...


def get_account_data(
    app: Any,
    requester: Any,
    user_id: str,
    type: str,
) -> GetAccountDataResponse | dict[str, Any]:
    """GET /_matrix/client/v3/user/{userId}/account_data/{type}"""
    raise Unrecognized("getAccountData")


def set_account_data(
    app: Any,
    requester: Any,
    user_id: str,
    type: str,
    body: dict[str, Any],
) -> SetAccountDataResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/user/{userId}/account_data/{type}"""
    raise Unrecognized("setAccountData")


def get_account_data_per_room(
    app: Any,
    requester: Any,
    user_id: str,
    room_id: str,
    type: str,
) -> GetAccountDataPerRoomResponse | dict[str, Any]:
    """GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}"""
    raise Unrecognized("getAccountDataPerRoom")


def set_account_data_per_room(
    app: Any,
    requester: Any,
    user_id: str,
    room_id: str,
    type: str,
    body: dict[str, Any],
) -> SetAccountDataPerRoomResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}"""
    raise Unrecognized("setAccountDataPerRoom")
