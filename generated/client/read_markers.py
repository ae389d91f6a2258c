"""api-specs/client-server/read_markers.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct, field
from typing import Any, Protocol, TypeAlias

from generated.unrecognized import Unrecognized


class SetReadMarkerBody(Struct, kw_only=True):
    m_fully_read: str | None = field(name='m.fully_read', default=None)
    m_read: str | None = field(name='m.read', default=None)
    m_read_private: str | None = field(name='m.read.private', default=None)


SetReadMarkerResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def set_read_marker(
        self,
        app: Any,
        requester: Any,
        room_id: str,
        body: SetReadMarkerBody,
    ) -> SetReadMarkerResponse | dict[str, Any]: ...


def set_read_marker(
    app: Any,
    requester: Any,
    room_id: str,
    body: SetReadMarkerBody,
) -> SetReadMarkerResponse | dict[str, Any]:
    """POST /_matrix/client/v3/rooms/{roomId}/read_markers"""
    raise Unrecognized("setReadMarker")
