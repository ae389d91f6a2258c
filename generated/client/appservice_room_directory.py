"""api-specs/client-server/appservice_room_directory.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class UpdateAppserviceRoomDirectoryVisibilityBody(Struct, kw_only=True):
    visibility: Literal['public', 'private']


UpdateAppserviceRoomDirectoryVisibilityResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def update_appservice_room_directory_visibility(
        self,
        app: Any,
        requester: Any,
        network_id: str,
        room_id: str,
        body: UpdateAppserviceRoomDirectoryVisibilityBody,
    ) -> UpdateAppserviceRoomDirectoryVisibilityResponse | dict[str, Any]: ...


def update_appservice_room_directory_visibility(
    app: Any,
    requester: Any,
    network_id: str,
    room_id: str,
    body: UpdateAppserviceRoomDirectoryVisibilityBody,
) -> UpdateAppserviceRoomDirectoryVisibilityResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}"""
    raise Unrecognized("updateAppserviceRoomDirectoryVisibility")
