"""Event: a view of a PDU. S-S API, "PDUs"; Rooms, "Event format" of each version.

An event is not a model: its JSON stays as it came, since hashes and signatures cover keys that
nobody here knows. The attributes read the few fields that the rules ask for, after
core.event_format has seen that they have their types.
"""

from typing import Any

from impl.core import event_hash, identifiers
from impl.core.room_version import RoomVersion

StateKey = tuple[str, str]


class Event:
    """Frozen by convention: nobody changes `pdu` once it is an event."""

    __slots__ = ("event_id", "pdu", "room_version")

    def __init__(self, pdu: dict[str, Any], room_version: RoomVersion, event_id: str) -> None:
        self.pdu = pdu
        self.room_version = room_version
        self.event_id = event_id

    @classmethod
    def from_pdu(
        cls, pdu: dict[str, Any], room_version: RoomVersion, event_id: str | None = None
    ) -> "Event":
        """The event of a PDU. Without `event_id` it is worked out, or read where the version has it
        as a key.
        """
        if event_id is None:
            event_id = event_hash.event_id_of(pdu, room_version)
        return cls(pdu, room_version, event_id)

    @property
    def type(self) -> str:
        return self.pdu["type"]  # type: ignore[no-any-return]

    @property
    def state_key(self) -> str | None:
        return self.pdu.get("state_key")

    @property
    def is_state(self) -> bool:
        return "state_key" in self.pdu

    @property
    def key(self) -> StateKey:
        """(type, state_key) of a state event."""
        return self.pdu["type"], self.pdu["state_key"]

    @property
    def sender(self) -> str:
        return self.pdu["sender"]  # type: ignore[no-any-return]

    @property
    def content(self) -> dict[str, Any]:
        return self.pdu["content"]  # type: ignore[no-any-return]

    @property
    def room_id(self) -> str:
        """Since version 12 a create event has none: its own id names the room."""
        room_id = self.pdu.get("room_id")
        return "!" + self.event_id[1:] if room_id is None else room_id

    @property
    def depth(self) -> int:
        return self.pdu["depth"]  # type: ignore[no-any-return]

    @property
    def origin_server_ts(self) -> int:
        return self.pdu["origin_server_ts"]  # type: ignore[no-any-return]

    @property
    def prev_event_ids(self) -> list[str]:
        return _ids(self.pdu["prev_events"], self.room_version)

    @property
    def auth_event_ids(self) -> list[str]:
        return _ids(self.pdu["auth_events"], self.room_version)

    @property
    def redacts(self) -> str | None:
        """The event that a redaction names; None where that is no event id."""
        holder = self.content if self.room_version.redacts_in_content else self.pdu
        redacts = holder.get("redacts")
        return redacts if identifiers.is_event_id(redacts) else None

    @property
    def membership(self) -> object:
        """Of an m.room.member event; whatever stands there."""
        return self.content.get("membership")

    def __repr__(self) -> str:
        return f"<Event {self.event_id} {self.type}>"


def _ids(references: list[Any], room_version: RoomVersion) -> list[str]:
    # Versions 1 and 2: pairs of an id and hashes.
    if room_version.event_id_is_hash:
        return references
    return [reference[0] for reference in references]
